//! Call frame information: from a frame's registers to its caller's.
//!
//! Every entry of `.eh_frame` and of `.debug_frame` is looked at once, and sorted by address. Their
//! index in the file, `.eh_frame_hdr`, is not believed.

use std::sync::Arc;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, Encoding, EndianReader,
    EvaluationResult, Expression, FrameDescriptionEntry, LittleEndian, Location, RegisterRule,
    UnwindContext, UnwindExpression, UnwindOffset, UnwindSection, Value,
};

use crate::arch;
use crate::elf::{Elf, Section};
use crate::registers::Known;
use crate::stack::StackCopy;

/// The largest section of call frame information.
const LARGEST: usize = 128 << 20;
/// The largest entry that is believed: what is shared by frames, and what is a frame's own. Each is
/// read again and again.
const LARGEST_CIE: usize = 4 << 10;
const LARGEST_FDE: usize = 1 << 20;
/// The most operations of one expression: a loop in it must end.
const MOST_OPERATIONS: u32 = 1000;

pub(crate) type Bytes = EndianReader<LittleEndian, Arc<[u8]>>;

/// What a file says of its frames.
#[derive(Debug)]
pub(crate) struct Cfi {
    eh_frame: EhFrame<Bytes>,
    debug_frame: DebugFrame<Bytes>,
    bases: BaseAddresses,
    /// Sorted by the first address.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u64,
    end: u64,
    offset: usize,
    is_eh_frame: bool,
}

/// A caller's registers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The frame was called by one with these registers.
    At {
        registers: Box<Known>,
        /// True if the frame is a signal's: its caller was interrupted anywhere.
        is_interrupted: bool,
    },
    /// The frame is the outermost.
    None,
    /// Not to be had: not described, or the memory was not copied.
    Unknown,
}

impl Cfi {
    /// Reads both sections of a file, if there are any.
    pub(crate) fn of(elf: &Elf) -> Self {
        let section_fn = |name| elf.section(name, LARGEST);
        let [eh_frame, debug_frame] = [".eh_frame", ".debug_frame"].map(section_fn);
        let text = elf.section_address(".text").unwrap_or(0);
        let got = elf.section_address(".got").unwrap_or(0);
        let eh_frame_at = eh_frame.as_ref().map_or(0, |section| section.address);
        let mut cfi = Self {
            eh_frame: EhFrame::from(reader(eh_frame)),
            debug_frame: DebugFrame::from(reader(debug_frame)),
            bases: BaseAddresses::default()
                .set_eh_frame(eh_frame_at)
                .set_text(text)
                .set_got(got),
            entries: Vec::new(),
        };
        cfi.eh_frame.set_address_size(8);
        cfi.eh_frame.set_vendor(arch::VENDOR);
        cfi.debug_frame.set_address_size(8);
        cfi.debug_frame.set_vendor(arch::VENDOR);
        let mut entries = Vec::new();
        list(&cfi.eh_frame, &cfi.bases, true, &mut entries);
        list(&cfi.debug_frame, &cfi.bases, false, &mut entries);
        entries.sort_by_key(|entry| entry.start);
        cfi.entries = entries;
        cfi
    }

    /// Steps from a frame to its caller. `address` is the frame's, in the file's own numbers; of a
    /// frame that has made a call, it is one within the call.
    ///
    /// Nothing if no entry covers the address.
    pub(crate) fn caller(
        &self,
        address: u64,
        registers: &Known,
        stack: &StackCopy,
    ) -> Option<Caller> {
        let before = self.entries.partition_point(|entry| entry.start <= address);
        let entry = self.entries[..before]
            .last()
            .filter(|entry| address < entry.end)?;
        let frame = Frame {
            address,
            registers,
            stack,
            bases: &self.bases,
        };
        if entry.is_eh_frame {
            frame.caller(&self.eh_frame, entry.offset.into())
        } else {
            frame.caller(&self.debug_frame, entry.offset.into())
        }
    }
}

fn reader(section: Option<Section>) -> Bytes {
    let bytes = section.map_or_else(|| Arc::from([]), |section| section.bytes);
    EndianReader::new(bytes, LittleEndian)
}

/// Lists the entries of a section, up to what cannot be read.
fn list<S: UnwindSection<Bytes>>(
    section: &S,
    bases: &BaseAddresses,
    is_eh_frame: bool,
    into: &mut Vec<Entry>,
) {
    let mut last_cie: Option<(usize, _)> = None;
    let mut is_absurd = false;
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        if is_absurd || partial.entry_len() > LARGEST_FDE {
            return;
        }
        let fde = partial.parse(|section, bases, at| {
            let offset = UnwindOffset::into(at);
            if let Some((known, cie)) = &last_cie
                && *known == offset
            {
                return Ok(Clone::clone(cie));
            }
            let cie = section.cie_from_offset(bases, at)?;
            if cie.entry_len() > LARGEST_CIE {
                is_absurd = true;
            }
            last_cie = Some((offset, cie.clone()));
            Ok(cie)
        });
        if let Ok(fde) = fde {
            into.push(Entry {
                start: fde.initial_address(),
                end: fde.end_address(),
                offset: fde.offset(),
                is_eh_frame,
            });
        }
    }
}

/// One frame, and what is known of it.
struct Frame<'a> {
    address: u64,
    registers: &'a Known,
    stack: &'a StackCopy,
    bases: &'a BaseAddresses,
}

impl Frame<'_> {
    fn caller<S: UnwindSection<Bytes>>(&self, section: &S, offset: S::Offset) -> Option<Caller> {
        let fde = section
            .fde_from_offset(self.bases, offset, S::cie_from_offset)
            .ok()?;
        Some(self.caller_by(section, &fde).unwrap_or(Caller::Unknown))
    }

    fn caller_by<S: UnwindSection<Bytes>>(
        &self,
        section: &S,
        fde: &FrameDescriptionEntry<Bytes>,
    ) -> Option<Caller> {
        let encoding = fde.cie().encoding();
        let return_address = fde.cie().return_address_register();
        let mut context = UnwindContext::new();
        let row = fde
            .unwind_info_for_address(section, self.bases, &mut context, self.address)
            .ok()?;
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.registers.get(*register)?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(expression) => {
                self.evaluate(section, *expression, encoding, None)?
            }
        };
        let rule = row.register(return_address);
        if matches!(rule, Some(RegisterRule::Undefined))
            || rule.is_none() && !arch::HAS_LINK_REGISTER
        {
            return Some(Caller::None);
        }
        let mut registers = Box::new(self.registers.clone());
        registers.set(arch::SP, Some(cfa));
        for (register, rule) in row.registers() {
            let value = match rule {
                RegisterRule::SameValue | RegisterRule::Architectural => continue,
                RegisterRule::Offset(offset) => self.stack.word(cfa.wrapping_add_signed(*offset)),
                RegisterRule::ValOffset(offset) => Some(cfa.wrapping_add_signed(*offset)),
                RegisterRule::Register(other) => self.registers.get(*other),
                RegisterRule::Expression(expression) => self
                    .evaluate(section, *expression, encoding, Some(cfa))
                    .and_then(|at| self.stack.word(at)),
                RegisterRule::ValExpression(expression) => {
                    self.evaluate(section, *expression, encoding, Some(cfa))
                }
                _ => None,
            };
            registers.set(*register, value);
        }
        registers.ip = arch::strip(registers.get(return_address)?);
        Some(Caller::At {
            registers,
            is_interrupted: fde.is_signal_trampoline(),
        })
    }

    /// Evaluates an expression to an address or a value.
    fn evaluate<S: UnwindSection<Bytes>>(
        &self,
        section: &S,
        expression: UnwindExpression<usize>,
        encoding: Encoding,
        initial: Option<u64>,
    ) -> Option<u64> {
        let expression: Expression<Bytes> = expression.get(section).ok()?;
        let mut evaluation = expression.evaluation(encoding);
        evaluation.set_max_iterations(MOST_OPERATIONS);
        if let Some(initial) = initial {
            evaluation.set_initial_value(initial);
        }
        let mut result = evaluation.evaluate().ok()?;
        loop {
            result = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = self.registers.get(register)?;
                    evaluation
                        .resume_with_register(Value::Generic(value))
                        .ok()?
                }
                EvaluationResult::RequiresMemory {
                    address, size: 8, ..
                } => {
                    let value = self.stack.word(address)?;
                    evaluation.resume_with_memory(Value::Generic(value)).ok()?
                }
                _ => return None,
            };
        }
        match evaluation.as_result().last()?.location {
            Location::Address { address } => Some(address),
            _ => None,
        }
    }
}
