//! The memory store keeps the promises of a store.

use std::sync::Arc;

use jobwork::store::memory::Memory;

jobwork::store_conformance!(memory, async { (Arc::new(Memory::new()), ()) });
