//! The suite of every backend, on the catalog in memory.

use std::sync::Arc;

use async_trait::async_trait;
use lockgate_catalog::Catalog;
use lockgate_catalog::conformance::{Backend, Shared};
use lockgate_catalog::memory::Memory;
use lockgate_types::Effects;

struct InMemory;

struct One(Memory);

#[async_trait]
impl Backend for InMemory {
    async fn create(&self) -> Box<dyn Shared> {
        Box::new(One(Memory::default()))
    }
}

#[async_trait]
impl Shared for One {
    async fn open(&self, effects: Effects) -> Arc<dyn Catalog> {
        self.0.open(effects)
    }
}

lockgate_catalog::conformance_suite!(InMemory);

/// Both backends run the same cases.
#[test]
fn the_suite_is_whole() {
    assert_eq!(CONFORMANCE_CASES, crate::conformance::CONFORMANCE_CASES);
}
