#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int32Builder,
    ListBuilder, StringBuilder, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::Field;
use bytes::{Bytes, BytesMut};

use super::*;

fn field(array: ArrayRef, binary: bool) -> Vec<u8> {
    let data_type = Type::of(&Field::new("x", array.data_type().clone(), true));
    let mut out = BytesMut::new();
    writer(&array, &data_type, binary).unwrap().field(0, &mut out).unwrap();
    let length = i32::from_be_bytes(out[..4].try_into().unwrap());
    assert_eq!(usize::try_from(length).unwrap(), out.len() - 4);
    out[4..].to_vec()
}

fn text(array: impl arrow::array::Array + 'static) -> String {
    String::from_utf8(field(Arc::new(array), false)).unwrap()
}

#[test]
fn values_look_as_postgres_writes_them() {
    assert_eq!(text(BooleanArray::from(vec![true])), "t");
    assert_eq!(text(Int32Array::from(vec![-5])), "-5");
    assert_eq!(text(UInt64Array::from(vec![7])), "7");
    assert_eq!(text(Float64Array::from(vec![0.1])), "0.1");
    assert_eq!(text(Float64Array::from(vec![f64::NEG_INFINITY])), "-Infinity");
    assert_eq!(text(Float64Array::from(vec![1e300])), "1e300");
    assert_eq!(text(Decimal128Array::from(vec![-1_005]).with_precision_and_scale(10, 2).unwrap()), "-10.05");
    assert_eq!(text(StringViewArray::from(vec!["it's"])), "it's");
    assert_eq!(text(BinaryArray::from(vec![&b"\x00\xff"[..]])), "\\x00ff");
    assert_eq!(text(Date32Array::from(vec![0])), "1970-01-01");
    assert_eq!(text(Date32Array::from(vec![-719_529])), "0002-12-31 BC");
    assert_eq!(text(TimestampMicrosecondArray::from(vec![1_500_000])), "1970-01-01 00:00:01.5");
    assert_eq!(text(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC")), "1970-01-01 00:00:00+00");
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("a b"), None, Some("c\"d"), Some("e")]);
    assert_eq!(text(list.finish()), "{\"a b\",NULL,\"c\\\"d\",e}");
}

#[test]
fn binary_counts_from_2000() {
    assert_eq!(field(Arc::new(Int32Array::from(vec![-2])), true), (-2_i32).to_be_bytes());
    assert_eq!(field(Arc::new(Date32Array::from(vec![10_958])), true), 1_i32.to_be_bytes());
    let numeric = Decimal128Array::from(vec![123_456_789]).with_precision_and_scale(20, 4).unwrap();
    // 12345.6789: the digits 1, 2345, 6789.
    assert_eq!(field(Arc::new(numeric), true), [0, 3, 0, 1, 0, 0, 0, 4, 0, 1, 9, 41, 26, 133]);
    let mut list = ListBuilder::new(Int32Builder::new());
    list.append_value([Some(1)]);
    let wanted = [1_i32, 0, 23, 1, 1, 4, 1].map(i32::to_be_bytes).concat();
    assert_eq!(field(Arc::new(list.finish()), true), wanted);
}

#[test]
fn numerics_survive_their_binary_form() {
    for number in ["0", "0.00", "1", "-1.5", "10000", "0.0001", "12345678901234567890.123456789", "-0.00000001"] {
        let mut out = BytesMut::new();
        super::numeric::write(number, &mut out);
        assert_eq!(super::numeric::read(&out).as_deref(), Some(number));
    }
    assert_eq!(super::numeric::read(&[0, 1]), None);
    assert_eq!(super::numeric::read(&[0, 0, 0, 0, 0xc0, 0, 0, 0]), None);
}

#[test]
fn parameters_stay_values() {
    let of = |text: &'static str, oid: u32| {
        literal(Some(&Bytes::from_static(text.as_bytes())), Type::by_oid(oid).as_ref(), false)
    };
    assert_eq!(of("it's'; drop table x --", 0).unwrap(), "'it''s''; drop table x --'");
    assert_eq!(of("-5", 23).unwrap(), "(-5)");
    assert!(of("5; drop", 23).is_err());
    assert!(of("1 or 1=1", 1700).is_err());
    assert_eq!(of("1.50", 1700).unwrap(), "1.50");
    assert_eq!(of("NaN", 701).unwrap(), "cast('NaN' as double)");
    assert_eq!(of("2024-01-02", 1082).unwrap(), "cast('2024-01-02' as date)");
    assert_eq!(of("{1,NULL,3}", 1007).unwrap(), "make_array(1, null, 3)");
    assert_eq!(of("{a,\"b,c\",\"NULL\"}", 1009).unwrap(), "make_array('a', 'b,c', 'NULL')");
    assert!(of("{{1}}", 1007).is_err());
    assert_eq!(of("\\xff00", 17).unwrap(), "X'ff00'");
    assert!(of("\\x'; drop", 17).is_err());
    let binary =
        |bytes: &'static [u8], oid: u32| literal(Some(&Bytes::from_static(bytes)), Type::by_oid(oid).as_ref(), true);
    assert_eq!(binary(&[0, 0, 0, 7], 23).unwrap(), "7");
    assert!(binary(&[0, 0, 7], 23).is_err());
    assert_eq!(binary(&[0, 0, 0, 0, 0, 0, 0, 0], 1184).unwrap(), "cast('2000-01-01 00:00:00+00' as timestamptz)");
    assert_eq!(literal(None, Type::by_oid(20).as_ref(), false).unwrap(), "cast(null as bigint)");
}
