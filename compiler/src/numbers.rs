//! Numbers as people read them.

/// 25,557,032
#[cfg(feature = "lsp")]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as hexadecimal digits: 0f3a
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes: 512 B, 1.5 KiB, 2.0 MiB
#[cfg(feature = "cli")]
pub fn size(bytes: usize) -> String {
    match bytes {
        b if b < 1 << 10 => format!("{b} B"),
        b if b < 1 << 20 => format!("{:.1} KiB", b as f64 / 1024.0),
        b => format!("{:.1} MiB", b as f64 / (1 << 20) as f64),
    }
}

/// A count with its thousands' letter: 4.09 G, 25.6 M, 732
#[cfg(feature = "cli")]
pub fn short(number: u64) -> String {
    let scaled = |by: f64, letter: &str| {
        let value = number as f64 / by;
        let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        format!("{value:.places$} {letter}")
    };
    match number {
        n if n < 1_000 => n.to_string(),
        n if n < 999_500 => scaled(1e3, "k"),
        n if n < 999_500_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(25_557_032), "25,557,032");
    }

    #[cfg(feature = "cli")]
    #[test]
    fn short_numbers_have_three_digits() {
        let cases = [(732, "732"), (4_089_184_256, "4.09 G"), (25_557_032, "25.6 M"), (118_013_952, "118 M")];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
        assert_eq!(short(999_600), "1.00 M");
    }
}
