// SPDX-License-Identifier: Apache-2.0
//! The cells of the security table: which products of the dimensions are its sections.

use std::fmt;

use tee_primitives::keyshare::KeyshareKind;

use super::dimensions::{
    Binding, Caller, Claim, Form, Operation, Replay, Seal, Section, Service, State, Stored, Token,
    Verb,
};

/// One request, and the world that it comes into.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cell {
    pub(super) operation: Operation,
    pub(super) form: Form,
    pub(super) caller: Caller,
    /// Of requests to retrieve.
    pub(super) claim: Option<Claim>,
    pub(super) state: State,
    /// The owner's signature, of requests to store.
    pub(super) approval: Seal,
    /// The signature over the data.
    pub(super) seal: Seal,
    /// The token in what the owner signs, of requests to store.
    pub(super) approval_token: Token,
    /// The token in the data.
    pub(super) token: Token,
    /// Of bound requests.
    pub(super) binding: Binding,
    pub(super) stored: Stored,
    pub(super) replay: Replay,
    pub(super) service: Service,
}

impl Cell {
    /// What the owner sends, without a fault, in a state that it is granted in.
    fn good(operation: Operation) -> Self {
        Self {
            operation,
            form: Form::Wrapped,
            caller: Caller::Owner,
            claim: (operation.verb() == Verb::Retrieve).then_some(Claim::Owner),
            state: operation.granted(),
            approval: Seal::Good,
            seal: Seal::Good,
            approval_token: Token::Good,
            token: Token::Good,
            binding: Binding::Good,
            stored: Stored::Plain,
            replay: Replay::First,
            service: Service::Public,
        }
    }
}

/// What is as in a good first request to an enclave in service is not written.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, form, caller, state, seal, token, replay, service, .. } = self;
        write!(f, "{operation} by {caller}")?;
        if let Some(claim) = self.claim {
            write!(f, " as {claim}")?;
        }
        write!(f, " of {state}")?;
        if *form != Form::Wrapped {
            write!(f, " form={form}")?;
        }
        if self.approval != Seal::Good {
            write!(f, " approval={}", self.approval)?;
        }
        if *seal != Seal::Good {
            write!(f, " signature={seal}")?;
        }
        if self.approval_token != Token::Good {
            write!(f, " approval-token={}", self.approval_token)?;
        }
        if *token != Token::Good {
            write!(f, " token={token}")?;
        }
        if self.binding != Binding::Good {
            write!(f, " binding={}", self.binding)?;
        }
        if self.stored != Stored::Plain {
            write!(f, " stored={}", self.stored)?;
        }
        if *replay != Replay::First {
            write!(f, " replay={replay}")?;
        }
        if *service != Service::Public {
            write!(f, " service={service}")?;
        }
        Ok(())
    }
}

/// The cells of a section, in the order in which they are tried.
pub(super) fn cells(section: Section) -> Vec<Cell> {
    let mut cells = Vec::new();
    match section {
        Section::Callers => callers(&mut cells),
        Section::Signatures => signatures(&mut cells),
        Section::Services => services(&mut cells),
        Section::Replays => replays(&mut cells),
        Section::Bound => bound(&mut cells),
    }
    // The products of the stars share their centres.
    let mut unique: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut seen = std::collections::HashSet::new();
    unique.extend(cells.into_iter().filter(|cell| seen.insert(cell.to_string())));
    unique
}

/// Operation × caller × claimed role × state.
fn callers(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let callers: &[Caller] = match operation.verb() {
            Verb::Store if operation == Operation::SetCapsule => &[Caller::Owner],
            Verb::Store | Verb::Retrieve => Caller::ALL,
            Verb::Remove => &[Caller::Owner, Caller::Stranger, Caller::Operator, Caller::Enclave],
            Verb::RemoveSigned => &[Caller::Stranger],
        };
        let claims: Vec<Option<Claim>> = match operation.verb() {
            Verb::Retrieve => Claim::ALL.iter().copied().map(Some).collect(),
            Verb::Store | Verb::Remove | Verb::RemoveSigned => vec![None],
        };
        for &caller in callers {
            for &claim in &claims {
                for &state in State::ALL {
                    cells.push(Cell { caller, claim, state, ..Cell::good(operation) });
                }
            }
        }
    }
}

/// Each token and each signature for itself.
fn star(good: Cell, cells: &mut Vec<Cell>) {
    let verb = good.operation.verb();
    for &token in Token::ALL {
        cells.push(Cell { token, ..good });
        if verb == Verb::Store {
            cells.push(Cell { approval_token: token, ..good });
        }
    }
    for &seal in Seal::ALL {
        cells.push(Cell { seal, ..good });
        if verb == Verb::Store {
            cells.push(Cell { approval: seal, ..good });
        }
    }
}

/// Signature × token × form.
fn signatures(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let good = Cell::good(operation);
        let verb = operation.verb();
        if verb == Verb::Remove {
            continue;
        }
        // Of one operation of each kind everything with everything, of the others each for itself.
        let is_full = operation.kind() == KeyshareKind::Secret;
        for form in Form::PLAIN {
            cells.push(Cell { form, ..good });
        }
        star(good, cells);
        if is_full && verb == Verb::Store {
            for token in Token::MAIN {
                for approval_token in Token::MAIN {
                    cells.push(Cell { approval_token, token, ..good });
                }
            }
            let mut seals: Vec<_> = Seal::ALL.iter().map(|&seal| (seal, Seal::Good)).collect();
            seals.extend(Seal::ALL.iter().map(|&seal| (Seal::Good, seal)));
            let tokens = [
                (Token::Good, Token::Good),
                (Token::Expired, Token::Good),
                (Token::Good, Token::Expired),
                (Token::Waiting, Token::Good),
                (Token::Good, Token::Waiting),
            ];
            for (approval, seal) in seals {
                for (approval_token, token) in tokens {
                    for form in [Form::Bare, Form::Wrapped] {
                        let faults = Cell { approval, seal, approval_token, token, ..good };
                        cells.push(Cell { form, ..faults });
                    }
                }
            }
        }
        if is_full && verb != Verb::Store {
            for &seal in Seal::ALL {
                for token in Token::MAIN {
                    for form in [Form::Bare, Form::Wrapped] {
                        cells.push(Cell { seal, token, form, ..good });
                    }
                }
            }
        }
    }
}

/// Service × operation × whether the state lets it be granted.
fn services(cells: &mut Vec<Cell>) {
    for &service in Service::ALL {
        for &operation in Operation::ALL {
            let good = Cell { service, ..Cell::good(operation) };
            cells.push(good);
            let refused = match operation.verb() {
                Verb::Store | Verb::Remove | Verb::RemoveSigned => State::HybridSynced,
                Verb::Retrieve => State::HybridSyncing,
            };
            cells.push(Cell { state: refused, ..good });
        }
    }
}

/// Who may have a share, in each role.
fn holders(good: Cell) -> Vec<Cell> {
    let holder = |caller, claim, state| Cell { caller, claim: Some(claim), state, ..good };
    match good.operation.verb() {
        Verb::Retrieve => vec![
            good,
            holder(Caller::Delegatee, Claim::Delegatee, State::Delegated),
            holder(Caller::Rentee, Claim::Rentee, State::Rented),
        ],
        Verb::Store | Verb::Remove | Verb::RemoveSigned => vec![good],
    }
}

/// What can have happened since a request was granted.
fn replays_of(verb: Verb) -> &'static [Replay] {
    use Replay::*;
    match verb {
        Verb::Store => &[
            Again,
            AfterSync,
            AfterOtherSync,
            AfterRestart,
            AfterLoss,
            AfterBurn,
            LastBlock,
            AfterExpiry,
            OtherKind,
            OtherNft,
            OtherEnclave,
        ],
        Verb::Retrieve => &[
            Again,
            AfterUpdate,
            AfterLoss,
            AfterBurn,
            LastBlock,
            AfterExpiry,
            OtherKind,
            OtherEnclave,
            AsRemoval,
        ],
        Verb::Remove => &[Again],
        Verb::RemoveSigned => &[Again, LastBlock, AfterExpiry, OtherKind, AsRetrieval],
    }
}

/// Replay × operation × form × role.
fn replays(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let good = Cell::good(operation);
        let forms: &[Form] = match operation.verb() {
            Verb::Remove => &[Form::Wrapped],
            Verb::Store | Verb::Retrieve | Verb::RemoveSigned => &[Form::Bare, Form::Wrapped],
        };
        for &replay in replays_of(operation.verb()) {
            for holder in holders(good) {
                for &form in forms {
                    let state = match replay {
                        Replay::AsRetrieval => State::HybridSynced,
                        _ => holder.state,
                    };
                    cells.push(Cell { replay, form, state, ..holder });
                }
            }
        }
    }
}

/// The same of bound requests, in parts; and what they are bound to × signature × token × form.
fn bound(cells: &mut Vec<Cell>) {
    for &operation in Operation::ALL {
        let verb = operation.verb();
        if !matches!(verb, Verb::Store | Verb::Retrieve) {
            continue;
        }
        let good = Cell { form: Form::Bound, ..Cell::good(operation) };
        let is_full = operation.kind() == KeyshareKind::Secret;
        for form in [Form::Bound, Form::BoundWrapped, Form::BoundHalf] {
            cells.push(Cell { form, ..good });
        }
        star(good, cells);
        let bindings = Binding::ALL.iter().filter(|binding| binding.is_of(verb));
        for &binding in bindings {
            for form in [Form::Bound, Form::BoundWrapped] {
                cells.push(Cell { binding, form, ..good });
            }
            for seal in [Seal::Good, Seal::WrongKey] {
                for token in [Token::Good, Token::Expired, Token::Waiting] {
                    if is_full {
                        cells.push(Cell { binding, seal, token, ..good });
                    }
                }
            }
        }
        for &replay in replays_of(verb) {
            for holder in holders(good) {
                cells.push(Cell { replay, ..holder });
            }
        }
        for &service in Service::ALL {
            if is_full {
                cells.push(Cell { service, ..good });
            }
        }
        // Who asks for what was stored in either form.
        for stored in [Stored::Plain, Stored::Bound] {
            for form in [Form::Bare, Form::Wrapped, Form::Bound, Form::BoundWrapped] {
                for holder in holders(good) {
                    if verb == Verb::Retrieve {
                        cells.push(Cell { stored, form, ..holder });
                    }
                }
            }
        }
        if is_full {
            bound_callers(good, cells);
        }
    }
}

/// Caller × claimed role × the states that make a difference × how the share was stored.
fn bound_callers(good: Cell, cells: &mut Vec<Cell>) {
    for &caller in Caller::ALL {
        if good.operation.verb() == Verb::Store {
            for state in [
                State::Absent,
                State::Plain,
                State::SecretSyncing,
                State::HybridSynced,
                State::CapsuleAdded,
                State::Updating,
            ] {
                cells.push(Cell { caller, state, ..good });
            }
            continue;
        }
        for &claim in Claim::ALL {
            let claim = Some(claim);
            for state in [
                State::Absent,
                State::SecretSyncing,
                State::HybridSynced,
                State::Updating,
                State::Delegated,
                State::Rented,
                State::RentOver,
                State::Elsewhere,
            ] {
                cells.push(Cell { caller, claim, state, ..good });
            }
            for form in [Form::Wrapped, Form::Bound] {
                for state in [State::HybridSynced, State::Delegated, State::Rented] {
                    let stored = Stored::Bound;
                    cells.push(Cell { caller, claim, state, form, stored, ..good });
                }
            }
        }
    }
}
