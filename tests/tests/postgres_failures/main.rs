//! The Postgres store on servers, connections and processes that fail.

#![cfg(target_os = "linux")]

mod handover;
mod lost;
mod outage;
mod pooled;
mod rescue;
mod setting;
mod together;
