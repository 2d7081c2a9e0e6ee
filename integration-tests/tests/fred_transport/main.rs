//! The transport over fred against real servers: order, outcomes, faults, and what is left afterwards.

mod close;
mod cluster;
mod connect;
mod data;
mod fake;
mod faults;
mod streams;
mod support;
