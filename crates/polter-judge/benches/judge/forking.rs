//! The log of a server with a process for each connection.

use crate::server::{Random, Source};
use std::fmt::Write as _;

/// Connections, and so processes, at once.
const CONNECTIONS: usize = 10_000;
const PARENT: u32 = 900;

/// The parent accepts, forks and closes; the child has an instance of its own, and ends with its connection.
pub(crate) struct Forking {
    children: Vec<u32>,
    next_pid: u32,
    has_begun: bool,
    random: Random,
}

impl Forking {
    pub(crate) fn new() -> Forking {
        Forking {
            children: Vec::new(),
            next_pid: 1000,
            has_begun: false,
            random: Random::new(),
        }
    }

    fn begin(&mut self) -> String {
        self.has_begun = true;
        format!(
            "{PARENT} socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<TCP:[100]>\n\
             {PARENT} epoll_create1(EPOLL_CLOEXEC) = 4<anon_inode:[eventpoll]>\n\
             {PARENT} epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 3<TCP:[127.0.0.1:80]>, \
             {{events=EPOLLIN, data={{u32=3, u64=3}}}}) = 0\n"
        )
    }

    fn accept(&mut self) -> String {
        let (child, port) = (self.next_pid, 20_000 + self.random.below(40_000));
        self.next_pid += 1;
        self.children.push(child);
        let connection = format!("5<TCP:[127.0.0.1:80->127.0.0.1:{port}]>");
        format!(
            "{PARENT} epoll_wait(4<anon_inode:[eventpoll]>, [{{events=EPOLLIN, data={{u32=3, u64=3}}}}], 128, -1) = 1\n\
             {PARENT} accept4(3<TCP:[127.0.0.1:80]>, {{sa_family=AF_INET, sin_port=htons({port}), \
             sin_addr=inet_addr(\"127.0.0.1\")}}, [16], SOCK_CLOEXEC) = {connection}\n\
             {PARENT} clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, \
             child_tidptr=0x7f9a) = {child}\n\
             {PARENT} close({connection}) = 0\n\
             {child} close(3<TCP:[127.0.0.1:80]>) = 0\n\
             {child} close(4<anon_inode:[eventpoll]>) = 0\n\
             {child} epoll_create1(EPOLL_CLOEXEC) = 3<anon_inode:[eventpoll]>\n\
             {child} epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, {connection}, \
             {{events=EPOLLIN|EPOLLRDHUP, data={{u32=5, u64=5}}}}) = 0\n"
        )
    }

    fn serve(&mut self) -> String {
        let at = self.random.below(self.children.len());
        let child = self.children[at];
        let mut text = format!(
            "{child} epoll_wait(3<anon_inode:[eventpoll]>, [{{events=EPOLLIN, data={{u32=5, u64=5}}}}], 8, 60000) = 1\n"
        );
        let written = match self.random.below(4) {
            0 => {
                self.children.swap_remove(at);
                write!(
                    text,
                    "{child} read(5<TCP:[127.0.0.1:80->127.0.0.1:5{child}]>, \"\", 4096) = 0\n\
                     {child} close(5<TCP:[127.0.0.1:80->127.0.0.1:5{child}]>) = 0\n\
                     {child} exit_group(0) = ?\n\
                     {child} +++ exited with 0 +++\n\
                     {PARENT} --- SIGCHLD {{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid={child}, si_uid=0, \
                     si_status=0, si_utime=0, si_stime=0}} ---\n\
                     {PARENT} wait4(-1, [{{WIFEXITED(s) && WEXITSTATUS(s) == 0}}], WNOHANG, NULL) = {child}\n"
                )
            }
            _ => write!(
                text,
                "{child} read(5<TCP:[127.0.0.1:80->127.0.0.1:5{child}]>, \"GET / HTTP/1.1\\r\\nHost: localhost\"..., 4096) = 78\n\
                 {child} write(5<TCP:[127.0.0.1:80->127.0.0.1:5{child}]>, \"HTTP/1.1 200 OK\\r\\nContent-Length\"..., 238) = 238\n"
            ),
        };
        written.expect("a string takes everything");
        text
    }
}

impl Source for Forking {
    fn turn(&mut self, text: &mut String) {
        if !self.has_begun {
            text.push_str(&self.begin());
        }
        let lines = match self.children.len() {
            CONNECTIONS => self.serve(),
            _ => self.accept(),
        };
        text.push_str(&lines);
    }
}
