//! How fast descriptors, registrations and processes come and go, and what
//! a registration weighs.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventpoll::{EpollEvent, Events, Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, and how many bytes are out.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const EPFD: Fd = Fd(0);

/// A process with an instance at 0.
fn world() -> (Kernel, Tid) {
    let mut kernel = Kernel::new(Policy::LAST_FPUT);
    let tid = kernel.spawn(Pid(100));
    call(
        &mut kernel,
        tid,
        &Syscall::SetNofile {
            soft: 1 << 20,
            hard: 1 << 20,
        },
    );
    call(&mut kernel, tid, &Syscall::EpollCreate1 { flags: 0 });
    (kernel, tid)
}

fn call(kernel: &mut Kernel, tid: Tid, call: &Syscall) -> i64 {
    match kernel.call(tid, call) {
        Outcome::Done(Ok(ret)) => ret.value,
        Outcome::Gone => 0,
        outcome => panic!("{call:?}: {outcome:?}"),
    }
}

fn eventfd(kernel: &mut Kernel, tid: Tid) -> Fd {
    let fd = call(kernel, tid, &Syscall::Eventfd2 { count: 0, flags: 0 });
    Fd(fd as i32)
}

fn ctl(op: u32, fd: Fd) -> Syscall {
    let event = EpollEvent {
        events: Events::IN,
        data: fd.0 as u64,
    };
    Syscall::EpollCtl {
        epfd: EPFD,
        op,
        fd,
        event: Some(event),
    }
}

/// So many eventfds, each registered.
fn registered(count: usize) -> (Kernel, Tid) {
    let (mut kernel, tid) = world();
    for _ in 0..count {
        let fd = eventfd(&mut kernel, tid);
        call(&mut kernel, tid, &ctl(1, fd));
    }
    (kernel, tid)
}

fn lifetime(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lifetime");
    group.throughput(Throughput::Elements(2));
    let (mut kernel, tid) = world();
    let fd = eventfd(&mut kernel, tid);
    group.bench_function("dup, close", |bencher| {
        bencher.iter(|| {
            let copy = call(&mut kernel, tid, &Syscall::Dup { fd });
            call(
                &mut kernel,
                tid,
                &Syscall::Close {
                    fd: Fd(copy as i32),
                },
            )
        });
    });
    group.bench_function("eventfd, close", |bencher| {
        bencher.iter(|| {
            let fd = eventfd(&mut kernel, tid);
            call(&mut kernel, tid, &Syscall::Close { fd })
        });
    });
    group.bench_function("ADD, DEL", |bencher| {
        bencher.iter(|| {
            call(&mut kernel, tid, &ctl(1, fd));
            call(&mut kernel, tid, &ctl(2, fd))
        });
    });
    call(
        &mut kernel,
        tid,
        &Syscall::Sigaction {
            signal: 17,
            action: eventpoll::syscall::SigAction::Ignore,
        },
    );
    group.bench_function("fork, exit", |bencher| {
        bencher.iter(|| {
            let child = Pid(call(&mut kernel, tid, &Syscall::Fork) as i32);
            let child = kernel.tid(child).expect("the child has just begun");
            call(&mut kernel, child, &Syscall::ExitGroup { status: 0 })
        });
    });
    group.finish();
}

/// The whole life of a registered file, among many others.
fn close_among(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("close of a registered eventfd among");
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let (mut kernel, tid) = registered(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                || {},
                |()| {
                    let fd = eventfd(&mut kernel, tid);
                    call(&mut kernel, tid, &ctl(1, fd));
                    call(&mut kernel, tid, &Syscall::Close { fd })
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Bytes allocated for an epitem, beyond its file.
fn weight(_: &mut Criterion) {
    for count in [1_000_usize, 65_536, 1_000_000] {
        let (mut kernel, tid) = world();
        let fds: Vec<Fd> = (0..count).map(|_| eventfd(&mut kernel, tid)).collect();
        let before = ALLOCATED.load(Relaxed);
        for fd in &fds {
            call(&mut kernel, tid, &ctl(1, *fd));
        }
        let bytes = ALLOCATED.load(Relaxed) - before;
        say(&format!(
            "{count} epitems: {} bytes each",
            bytes.div_ceil(count)
        ));
        black_box(&kernel);
    }
}

#[expect(clippy::print_stdout, reason = "a figure beside criterion's own")]
fn say(line: &str) {
    println!("{line}");
}

criterion_group!(benches, weight, lifetime, close_among);
criterion_main!(benches);
