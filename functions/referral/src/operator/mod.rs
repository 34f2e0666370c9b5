//! What operators do, and what is done on a schedule, by direct invocation (referral §1, §7; the form of the call is that
//! of usm §5). The actions stand among those of the operator function.

pub mod code;
pub mod recount;
pub mod retention;
pub mod upkeep;
