//! Flow control: which jobs count as the same, what is limited, what runs in order.

mod args;
mod expand;
mod model;

pub(super) use self::args::FlowArgs;
pub(super) use self::expand::flow;
pub(super) use self::model::FlowModel;
