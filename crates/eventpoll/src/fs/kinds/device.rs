//! A device whose buffers and context hang off its file, and the buffers it
//! exports (dma-buf), ready when their fences are signalled.
//!
//! The poll of a buffer takes a reference of its own while a fence is
//! pending: what made the poll of a dying file a use after free.

use crate::abi::{Ioctl, Return, flags};
use crate::fs::FileKind;
use crate::store::{BufferId, DeviceId, Fd, FileId, QueueId, Tid};
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};

/// An open of the device: its context, gone with the file.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Device {
    pub(crate) queue: QueueId,
    /// Set while its work is under way.
    is_busy: bool,
    buffers: Vec<BufferId>,
    is_open: bool,
}

/// An exported buffer. Linux: `struct dma_buf`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Buffer {
    pub(crate) queue: QueueId,
    device: DeviceId,
    /// Readers and writers must wait for it. Linux: `dma_resv`.
    has_fence: bool,
    /// A poll has asked to be told, and holds this reference. Linux: `dcb->active`.
    callback_of: Option<FileId>,
}

impl Device {
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn buffers(&self) -> &[BufferId] {
        &self.buffers
    }
}

impl Kernel {
    pub(crate) fn open_device(&mut self, caller: Tid, flags: u32) -> Result<Fd, Errno> {
        self.room_for_fds(caller, 1)?;
        let queue = self.waits.create();
        let device = self.devices.insert(Device {
            queue,
            is_busy: false,
            buffers: Vec::new(),
            is_open: true,
        });
        self.install_new(caller, FileKind::Device(device), flags)
    }

    pub(crate) fn ioctl_device(
        &mut self,
        caller: Tid,
        _file: FileId,
        device: DeviceId,
        request: Ioctl,
    ) -> Result<Return, Errno> {
        match request {
            Ioctl::ExportBuffer => {
                self.room_for_fds(caller, 1)?;
                let queue = self.waits.create();
                let has_fence = self.devices[device].is_busy;
                let buffer = self.buffers.insert(Buffer {
                    queue,
                    device,
                    has_fence,
                    callback_of: None,
                });
                self.devices[device].buffers.push(buffer);
                let fd = self.install_new(
                    caller,
                    FileKind::Buffer(buffer),
                    flags::O_CLOEXEC | flags::O_RDWR,
                )?;
                Ok(fd.into())
            }
            Ioctl::AddFence => {
                self.devices[device].is_busy = true;
                for buffer in self.devices[device].buffers.clone() {
                    self.buffers[buffer].has_fence = true;
                }
                Ok(Return::value(0))
            }
            Ioctl::SignalFence => {
                self.signal_fences(device);
                Ok(Return::value(0))
            }
            _ => Err(Errno::ENOTTY),
        }
    }

    /// Ready at once without a fence; else a callback is installed, which
    /// holds the file until the fence is signalled. Linux: `dma_buf_poll`.
    pub(crate) fn poll_buffer(&mut self, file: FileId, buffer: BufferId) -> Events {
        let state = &mut self.buffers[buffer];
        if !state.has_fence {
            return Events::IN | Events::OUT;
        }
        if state.callback_of.is_none() {
            state.callback_of = Some(file);
            self.get(file);
        }
        Events::empty()
    }

    /// The device's work is done: its buffers are ready. Linux: `dma_buf_poll_cb`.
    fn signal_fences(&mut self, device: DeviceId) {
        self.devices[device].is_busy = false;
        for buffer in self.devices[device].buffers.clone() {
            let state = &mut self.buffers[buffer];
            state.has_fence = false;
            let (queue, file) = (state.queue, state.callback_of.take());
            self.wake(queue, Limit::One, Events::IN | Events::OUT);
            if let Some(file) = file {
                self.put(file);
            }
        }
    }

    pub(crate) fn release_device(&mut self, device: DeviceId) {
        // Work that is under way ends with its context.
        self.signal_fences(device);
        self.devices[device].is_open = false;
        self.forget_device(device);
    }

    pub(crate) fn release_buffer(&mut self, buffer: BufferId) {
        let gone = self.buffers.remove(buffer);
        self.waits.destroy(gone.queue);
        self.devices[gone.device]
            .buffers
            .retain(|other| *other != buffer);
        self.forget_device(gone.device);
    }

    /// The device's memory goes when neither its file nor a buffer is left.
    fn forget_device(&mut self, device: DeviceId) {
        let state = &self.devices[device];
        if !state.is_open && state.buffers.is_empty() {
            let gone = self.devices.remove(device);
            self.waits.destroy(gone.queue);
        }
    }

    /// Files that a buffer's pending callback holds.
    pub(crate) fn files_in_callbacks(&self) -> impl Iterator<Item = FileId> + '_ {
        self.buffers
            .iter()
            .filter_map(|(_, buffer)| buffer.callback_of)
    }
}
