//! The kind of the simulated assets: one row, `n`, which says from what it was made. `raw.*` takes what the outside says now,
//! anything else what its inputs say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use lockgate_engine::Session;
use lockgate_kind::{Asset, BuildContext, Built, Input, Kind, KindError, ObserveContext, Outside, Planned};
use lockgate_project::{AssetFile, KeyDoc, Project};
use lockgate_types::{Column, DataType, Diagnostics, Place, Schema, Version};

use crate::world::name;

#[derive(Debug)]
pub(crate) struct Simulated {
    /// What the world outside says; it only rises.
    pub(crate) outside: Arc<AtomicU64>,
}

#[derive(Debug)]
struct OneRow {
    outside: Arc<AtomicU64>,
    inputs: Vec<Input>,
}

#[async_trait]
impl Kind for Simulated {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn doc(&self) -> &'static str {
        "An asset of a simulation."
    }

    fn keys(&self) -> &'static [KeyDoc] {
        &[]
    }

    fn read(&self, file: &Arc<AssetFile>, _: &Project) -> Result<Arc<dyn Asset>, Diagnostics> {
        let input = |of: &str| Input { name: name(of), place: Place::file(&file.source.file) };
        let inputs = match file.name.schema() {
            "raw" => Vec::new(),
            "pair" => vec![input("raw.one")],
            _ => vec![input("pair.one"), input("pair.two")],
        };
        Ok(Arc::new(OneRow { outside: Arc::clone(&self.outside), inputs }))
    }
}

fn schema() -> Schema {
    Schema { columns: vec![Column::new("n", DataType::Bigint)] }
}

impl OneRow {
    async fn value(&self, session: &Session) -> Result<i64, KindError> {
        let mut values = Vec::new();
        for input in &self.inputs {
            let batches = session.collect(&format!("select n from {}", input.name)).await?;
            values.push(batches[0].column(0).as_primitive::<Int64Type>().value(0));
        }
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "members of a group are read together: {values:?}");
        Ok(values.first().copied().unwrap_or_else(|| i64::try_from(self.outside.load(Ordering::SeqCst)).unwrap()))
    }
}

#[async_trait]
impl Asset for OneRow {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn code(&self) -> serde_json::Value {
        serde_json::json!({ "inputs": self.inputs.iter().map(|input| input.name.to_string()).collect::<Vec<_>>() })
    }

    async fn plan(&self, _: &Session, _: Option<&Version>) -> Result<Planned, Diagnostics> {
        Ok(Planned { schema: schema(), ..Planned::default() })
    }

    async fn observe(&self, cx: ObserveContext<'_>) -> Result<Outside, KindError> {
        if !self.inputs.is_empty() {
            return Ok(Outside::None);
        }
        let now = self.outside.load(Ordering::SeqCst);
        let before = cx.live.and_then(|live| live.source_state.as_u64());
        Ok(if before == Some(now) {
            Outside::Unchanged
        } else {
            Outside::Changed { why: format!("the outside says {now}"), key: now.to_string() }
        })
    }

    async fn build(&self, cx: BuildContext) -> Result<Built, KindError> {
        let value = self.value(&cx.session).await?;
        let before = cx.live.as_ref().and_then(|live| live.source_state.as_i64());
        let is_changed = self.inputs.is_empty() && before != Some(value);
        let mut writer = cx.table.stage(cx.number, &schema(), Default::default());
        let batch = RecordBatch::try_new(schema().to_arrow(), vec![Arc::new(Int64Array::from(vec![value]))]).unwrap();
        writer.write(&batch)?;
        let staged = writer.finish().await?;
        Ok(Built {
            files: staged.files,
            rows: staged.rows,
            size_bytes: staged.size_bytes,
            schema: schema(),
            rejects: None,
            rows_rejected: 0,
            rows_read: 1,
            source_state: if self.inputs.is_empty() { value.into() } else { serde_json::Value::Null },
            outside_key: is_changed.then(|| value.to_string()),
        })
    }
}
