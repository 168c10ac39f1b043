//! One per process: memory, threads, the folder for spilled data.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use lockgate_lake::Lake;
use lockgate_types::Diagnostics;
use object_store::ObjectStore;
use url::Url;

use crate::scan::STORE_URL;
use crate::spill::SpillFolder;
use crate::{EngineError, Session, SessionOptions, options};

/// What the engine may use.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// One pool for all queries of the process; what does not fit is spilled.
    pub memory_bytes: u64,
    /// Also how many partitions a query is split into.
    pub threads: usize,
    /// Created when missing; a folder of this process is made in it and removed at the end.
    pub spill_dir: PathBuf,
}

impl Default for EngineOptions {
    /// 60 % of memory (the container's, when it is less than the machine's), all cores, the system's temporary folder.
    fn default() -> Self {
        EngineOptions {
            memory_bytes: options::memory_of_machine() / 10 * 6,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            spill_dir: std::env::temp_dir().join("lockgate-spill"),
        }
    }
}

/// One per process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What sessions keep of their engine.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Options, functions and the runtime; sessions start from a copy.
    pub(crate) template: SessionState,
    pub(crate) spilled_bytes: AtomicU64,
    pub(crate) threads: usize,
    memory_bytes: usize,
    // Removed when the last session is gone.
    _spill: SpillFolder,
}

impl Engine {
    pub fn new(options: EngineOptions, lake: Arc<Lake>) -> Result<Engine, EngineError> {
        Engine::over(options, lake.object_store())
    }

    /// An engine over any store; paths are [`crate::PinnedTable::prefix`] and the files' own.
    pub fn over(options: EngineOptions, store: Arc<dyn ObjectStore>) -> Result<Engine, EngineError> {
        let threads = options.threads.max(1);
        let memory = usize::try_from(options.memory_bytes).unwrap_or(usize::MAX);
        if memory == 0 {
            return Err(EngineError::Engine("engine.memory is 0".to_owned()));
        }
        let spill = SpillFolder::create(&options.spill_dir).map_err(|error| {
            EngineError::Engine(format!(
                "cannot write the folder for spilled data {}: {error}",
                options.spill_dir.display()
            ))
        })?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.path().to_owned()]))
            // The disk's own size is the limit.
            .with_max_temp_directory_size(u64::MAX)
            .with_max_spill_merge_fan_in(options::merge_fan_in(threads, memory));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
            .with_disk_manager_builder(disk)
            .with_metadata_cache_limit(memory / 32)
            .build_arc()
            .map_err(EngineError::from)?;
        let url = Url::parse(STORE_URL).map_err(|error| EngineError::Engine(error.to_string()))?;
        runtime.register_object_store(&url, store);
        let template = SessionStateBuilder::new_with_default_features()
            .with_config(options::session_config(threads, memory))
            .with_type_planner(Arc::new(options::Types))
            .with_runtime_env(runtime)
            .build();
        Ok(Engine {
            shared: Arc::new(Shared {
                template,
                spilled_bytes: AtomicU64::new(0),
                threads,
                memory_bytes: memory,
                _spill: spill,
            }),
        })
    }

    /// `Err` when a function of the project is wrong.
    pub fn session(&self, options: SessionOptions) -> Result<Session, Diagnostics> {
        Session::new(self.shared.clone(), options)
    }

    pub fn threads(&self) -> usize {
        self.shared.threads
    }

    /// Bytes written to the spill folder by queries that have ended.
    pub fn spilled_bytes(&self) -> u64 {
        self.shared.spilled_bytes.load(Ordering::Relaxed)
    }

    /// Memory that something beside a query uses, such as writers of Parquet, counted in the same pool.
    pub fn reserve(&self, what: &str) -> Reservation {
        self.shared.reserve(what, usize::MAX)
    }

    /// What is reserved of `memory_bytes` now.
    pub fn reserved_bytes(&self) -> u64 {
        self.pool().reserved() as u64
    }

    fn pool(&self) -> Arc<dyn MemoryPool> {
        self.shared.template.runtime_env().memory_pool.clone()
    }

    /// Part of the key of every cached plan: what SQL means changes with it.
    pub fn version() -> &'static str {
        concat!("lockgate-", env!("CARGO_PKG_VERSION"), " datafusion-55.2")
    }
}

impl Shared {
    pub(crate) fn reserve(&self, what: &str, limit_bytes: usize) -> Reservation {
        let pool = &self.template.runtime_env().memory_pool;
        Reservation { memory: MemoryConsumer::new(what).register(pool), limit_bytes }
    }

    /// What one reservation beside queries may take without starving them.
    pub(crate) fn side_bytes(&self) -> usize {
        self.memory_bytes / 4
    }
}

/// A share of the engine's memory, given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: MemoryReservation,
    limit_bytes: usize,
}

impl Reservation {
    /// Grows or shrinks to `bytes`. `Err` when growing that far is not possible now; the size is then as before.
    pub fn resize(&mut self, bytes: usize) -> Result<(), EngineError> {
        if bytes > self.limit_bytes {
            let message = format!("{bytes} bytes are more than its share of {} bytes", self.limit_bytes);
            return Err(EngineError::OutOfMemory(message));
        }
        self.memory.try_resize(bytes).map_err(EngineError::from)
    }

    pub fn bytes(&self) -> usize {
        self.memory.size()
    }
}
