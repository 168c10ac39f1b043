use super::*;

#[test]
fn numbers_read_well() {
    assert_eq!(thousands(7), "7");
    assert_eq!(thousands(336_776), "336,776");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(percent(1_556, 336_776, 2), "0.46 %");
    assert_eq!(percent(0, 0, 1), "0.0 %");
    assert_eq!(seconds(12.34), "12.3 s");
    assert_eq!(seconds(185.0), "3 min 05 s");
}
