//! One turn of an event loop: a write, a wait that reports it, a read.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use eventpoll::{EpollEvent, Events, Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid};

fn call(kernel: &mut Kernel, tid: Tid, call: &Syscall) -> i64 {
    match kernel.call(tid, call) {
        Outcome::Done(Ok(ret)) => ret.value,
        outcome => panic!("{call:?}: {outcome:?}"),
    }
}

/// A process with an instance at 0 that watches so many eventfds.
fn registered(count: usize) -> (Kernel, Tid) {
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
    for _ in 0..count {
        let fd = call(&mut kernel, tid, &Syscall::Eventfd2 { count: 0, flags: 0 });
        let event = EpollEvent {
            events: Events::IN,
            data: fd as u64,
        };
        let add = Syscall::EpollCtl {
            epfd: Fd(0),
            op: 1,
            fd: Fd(fd as i32),
            event: Some(event),
        };
        call(&mut kernel, tid, &add);
    }
    (kernel, tid)
}

fn turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("turn among");
    for count in [10, 1_000, 100_000, 1_000_000] {
        let (mut kernel, tid) = registered(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            let mut at = 0;
            bencher.iter(|| {
                // A stride that visits all, in no order a cache would guess.
                at = (at + 7_919) % count;
                let fd = Fd(at as i32 + 1);
                call(
                    &mut kernel,
                    tid,
                    &Syscall::Write {
                        fd,
                        len: 8,
                        first: 1,
                    },
                );
                let wait = Syscall::EpollWait {
                    epfd: Fd(0),
                    buffer: Default::default(),
                    maxevents: 8,
                    timeout_ms: 0,
                };
                let found = call(&mut kernel, tid, &wait);
                call(&mut kernel, tid, &Syscall::Read { fd, len: 8 });
                found
            });
        });
    }
    group.finish();
}

criterion_group!(benches, turn);
criterion_main!(benches);
