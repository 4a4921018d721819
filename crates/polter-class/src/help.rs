//! A sentence or two on each kind of fault: what happens, and what to do. Reports of one finding say more.

use crate::Class;

impl Class {
    /// What happens, in one sentence.
    pub const fn summary(self) -> &'static str {
        match self {
            Class::ForkGhost => {
                "A registration outlives its fd, because a forked process keeps the file open."
            }
            Class::DupGhost => {
                "A registration outlives its fd, because a duplicate keeps the file open."
            }
            Class::HandedOverGhost => {
                "A registration outlives its fd, because the process that the file came from keeps it open."
            }
            Class::InFlightGhost => {
                "A registration outlives its fd, because a message or an io_uring keeps the file open."
            }
            Class::UnseenGhost => {
                "A registration outlives its fd, and the log does not show who keeps the file open."
            }
            Class::NumberReuse => {
                "An fd means a new file, and the old file is still registered under it."
            }
            Class::ErrnoAfterReuse => {
                "epoll_ctl answers EEXIST or ENOENT for a file that had the fd before."
            }
            Class::UnheededEvent => {
                "An event is reported without end, and the program never reads, changes or removes it."
            }
            Class::StaleBatch => {
                "An event is handled after an earlier event of its batch closed its fd."
            }
            Class::ChildRemoves => {
                "A child's EPOLL_CTL_DEL takes its parent's registration: the parent is deaf."
            }
            Class::EventTheft => {
                "A process takes an event that another process registered for and waits for."
            }
            Class::ForeignEntry => {
                "A process registers a file that the others who share the instance do not have."
            }
            Class::DeafSignalfd => {
                "A process waits for a signalfd that another process registered, and is not woken for its own signals."
            }
            Class::DeadEpollFd => "A call names an instance that is closed.",
            Class::LeakedEpoll => "An exec hands an instance to a program that never uses it.",
            Class::CloseRacesWait => {
                "A thread closes an fd, and it is reused, while another thread waits."
            }
            Class::EpollAsKcmp => {
                "A program takes EEXIST from EPOLL_CTL_ADD as the answer that two fds name one file."
            }
            Class::SharedEpoll => "Several processes hold one instance.",
            Class::DupPile => "One file is registered under ever more fds.",
        }
    }

    /// What to do about it, in one sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Class::ForkGhost => {
                "EPOLL_CTL_DEL before the close, or keep the file from the child with O_CLOEXEC and an exec."
            }
            Class::DupGhost => {
                "EPOLL_CTL_DEL before the close, or register the descriptor that stays open."
            }
            Class::HandedOverGhost => {
                "EPOLL_CTL_DEL before the close: the file is not the process's alone."
            }
            Class::InFlightGhost => "EPOLL_CTL_DEL before closing what was sent away.",
            Class::UnseenGhost => {
                "EPOLL_CTL_DEL before the close; polter scan says who keeps the file in a running process."
            }
            Class::NumberReuse => {
                "EPOLL_CTL_DEL before the close, and put a generation beside the fd into the event's data."
            }
            Class::ErrnoAfterReuse => {
                "EPOLL_CTL_DEL before the close; do not guess from EEXIST or ENOENT what is registered."
            }
            Class::UnheededEvent => {
                "Read what the fd has, or EPOLL_CTL_DEL it; a hang-up or an error is reported whatever the mask."
            }
            Class::StaleBatch => {
                "Look up each event's object again when its turn comes, or free it after the batch."
            }
            Class::ChildRemoves => {
                "Close the instance in the child before anything else, or let the child make its own."
            }
            Class::EventTheft => "Give each process an instance of its own, made after the fork.",
            Class::ForeignEntry => {
                "Make a new instance after the fork: what one process registers is reported to all."
            }
            Class::DeafSignalfd => "Register the signalfd anew in the process that waits.",
            Class::DeadEpollFd => {
                "Close an instance once and forget its fd; after a fork that closes everything, make a new instance."
            }
            Class::LeakedEpoll => "Make the instance with EPOLL_CLOEXEC.",
            Class::CloseRacesWait => {
                "EPOLL_CTL_DEL first, and free the state only after the waiting thread has come back once."
            }
            Class::EpollAsKcmp => "Ask with fcntl(F_DUPFD_QUERY) or kcmp(KCMP_FILE).",
            Class::SharedEpoll => "Make a new instance in each process, after the fork.",
            Class::DupPile => "EPOLL_CTL_DEL a duplicate before closing it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn every_class_is_told_apart_in_whole_sentences() {
        let classes: Vec<Class> = Class::IN_LOGS
            .iter()
            .chain(&Class::IN_PROCESSES)
            .copied()
            .collect();
        for class in &classes {
            for text in [class.summary(), class.advice()] {
                assert!(text.ends_with('.') && text.is_ascii(), "{class:?}: {text}");
            }
            let alike = classes
                .iter()
                .filter(|other| other.summary() == class.summary());
            assert!(alike.into_iter().all(|other| other == class), "{class:?}");
        }
    }
}
