//! `numeric` in its binary form: digits of base 10,000.

use bytes::{BufMut, BytesMut};

/// Of digits with an optional sign and point, as Arrow writes decimals.
pub(super) fn write(text: &str, out: &mut BytesMut) {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let scale = fraction.len();
    // Both sides of the point in groups of four.
    let mut groups: Vec<i16> = Vec::new();
    let first = whole.len() % 4;
    let group = |digits: &str| digits.bytes().fold(0_i16, |value, digit| value * 10 + i16::from(digit - b'0'));
    if first > 0 {
        groups.push(group(&whole[..first]));
    }
    groups.extend(whole.as_bytes()[first..].chunks(4).map(|four| group(std::str::from_utf8(four).unwrap_or("0"))));
    let before_point = groups.len();
    for four in fraction.as_bytes().chunks(4) {
        let mut padded = [b'0'; 4];
        padded[..four.len()].copy_from_slice(four);
        groups.push(group(std::str::from_utf8(&padded).unwrap_or("0")));
    }
    let mut weight = i16::try_from(before_point).unwrap_or(i16::MAX) - 1;
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight -= i16::try_from(leading).unwrap_or(0);
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    out.put_i16(i16::try_from(groups.len()).unwrap_or(i16::MAX));
    out.put_i16(weight);
    out.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    out.put_u16(u16::try_from(scale).unwrap_or(u16::MAX));
    for group in groups {
        out.put_i16(group);
    }
}

/// As text; `None` when it is no number (`NaN`, infinity) or malformed.
pub(super) fn read(mut bytes: &[u8]) -> Option<String> {
    let mut next = || {
        let (two, rest) = bytes.split_first_chunk::<2>()?;
        bytes = rest;
        Some(i16::from_be_bytes(*two))
    };
    let (count, weight, sign, scale) = (next()?, next()?, next()?.cast_unsigned(), next()?);
    if !matches!(sign, 0 | 0x4000) || count < 0 || !(0..=1000).contains(&scale) || !(-1000..=1000).contains(&weight) {
        return None;
    }
    let groups: Vec<i16> = (0..count).map(|_| next()).collect::<Option<_>>()?;
    let at = |place: i16| -> i16 {
        usize::try_from(weight - place).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut text = String::new();
    for place in (0..=weight.max(0)).rev() {
        text.push_str(&format!("{:04}", at(place)));
    }
    let whole = text.trim_start_matches('0');
    let mut text = if whole.is_empty() { "0".to_owned() } else { whole.to_owned() };
    if scale > 0 {
        let mut fraction = String::new();
        let mut place = -1;
        while fraction.len() < usize::try_from(scale).unwrap_or(0) {
            fraction.push_str(&format!("{:04}", at(place)));
            place -= 1;
        }
        fraction.truncate(usize::try_from(scale).unwrap_or(0));
        text.push('.');
        text.push_str(&fraction);
    }
    Some(if sign == 0x4000 { format!("-{text}") } else { text })
}
