use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use lockgate_types::{Column, DataType, Schema};

use super::samples::Sampler;
use super::worker::{Counts, Plan, StoredWorker, Worker};
use super::{BTreeSet, Predicates};

/// `parts.bin` does not describe itself: bytes of another shape might be read as something. **When this fails, raise the
/// version of the format in `parts.rs`**, then put the new bytes here.
#[test]
fn the_shape_of_what_is_kept_does_not_change() {
    let columns: [(&str, &str, ArrayRef); 5] = [
        ("i", "bigint", Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)]))),
        ("x", "double", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(2.0)]))),
        ("w", "decimal(30,0)", {
            let wide = Decimal128Array::from(vec![7, 8, 9]).with_precision_and_scale(30, 0);
            Arc::new(wide.unwrap_or_else(|error| panic!("{error}")))
        }),
        ("s", "string", Arc::new(StringArray::from(vec!["a", "b", "a"]))),
        ("b", "boolean", Arc::new(BooleanArray::from(vec![true, true, true]))),
    ];
    let kind = |kind: &str| DataType::parse(kind).unwrap_or_else(|error| panic!("{error}"));
    let schema = Schema { columns: columns.iter().map(|(name, text, _)| Column::new(*name, kind(text))).collect() };
    let batch = RecordBatch::try_from_iter(columns.map(|(name, _, array)| (name, array)));
    let plan = Arc::new(Plan::of(&[], &schema, Vec::new(), &BTreeSet::new(), None, &mut Predicates::default()));
    let mut worker = Worker::new(plan);
    worker.count(&batch.unwrap_or_else(|error| panic!("{error}")));
    let mut samples = Sampler::default();
    samples.add(9, vec![Some("3".to_owned()), None]);
    let counts = vec![Counts { failing: 1, total: 3, samples, newest: Some(-4) }];
    let stored = StoredWorker { counts, ..worker.stored() };
    let bytes = postcard::to_extend(&stored, Vec::new()).unwrap_or_default();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = [
        "030101030109020101330001070503010002202c651b7771d9e4ed8f01dbe4140b1d0201060401020002000000000000f0bf",
        "000000000000084003010002eba90f8eea50aa006dced8d14d9856f404000000000000e03f00000000000000400246000000",
        "0000000000000000000000000000000000000000000000000000000000008080a00100000000000000000000000000000000",
        "0000000000000000000000000000000000000000020002000000000000e03f000000000000004003000003257147e61a2e89",
        "e4fe4dac1d54b19190e7abff12b561bf64030e12180000000000000000000000000000000000000000000000000000000000",
        "00000300030000000000001c40000000000000204000000000000022400300000225bc6828956b3c3d2c77ea173d37af8405",
        "0161016203000000010001",
    ];
    assert_eq!(hex, expected.concat());
}
