//! Which columns a statement reads, off its optimized plan: what is projected away there is never read.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::LogicalPlan;
use lockgate_types::AssetName;

use crate::scan::PinnedProvider;

/// By table; one that needs no column but the number of its rows is there too.
pub(crate) fn columns(plan: &LogicalPlan) -> DfResult<BTreeMap<AssetName, BTreeSet<String>>> {
    let mut read: BTreeMap<AssetName, BTreeSet<String>> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(pinned) = source_as_provider(&scan.source)?.downcast_ref::<PinnedProvider>()
        {
            let columns = read.entry(pinned.table().name.clone()).or_default();
            columns.extend(scan.projected_schema.fields().iter().map(|field| field.name().clone()));
            let filters = scan.filters.iter().flat_map(|filter| filter.column_refs());
            columns.extend(filters.map(|column| column.name().to_owned()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(read)
}
