//! Series for the tests.

/// International airline passengers in thousands a month, January 1949 to December 1960. Box, Jenkins and Reinsel 1976,
/// *Time Series Analysis: Forecasting and Control*, series G.
pub(crate) const AIR_PASSENGERS: [f64; 144] = [
    112., 118., 132., 129., 121., 135., 148., 148., 136., 119., 104., 118., //
    115., 126., 141., 135., 125., 149., 170., 170., 158., 133., 114., 140., //
    145., 150., 178., 163., 172., 178., 199., 199., 184., 162., 146., 166., //
    171., 180., 193., 181., 183., 218., 230., 242., 209., 191., 172., 194., //
    196., 196., 236., 235., 229., 243., 264., 272., 237., 211., 180., 201., //
    204., 188., 235., 227., 234., 264., 302., 293., 259., 229., 203., 229., //
    242., 233., 267., 269., 270., 315., 364., 347., 312., 274., 237., 278., //
    284., 277., 317., 313., 318., 374., 413., 405., 355., 306., 271., 306., //
    315., 301., 356., 348., 355., 422., 465., 467., 404., 347., 305., 336., //
    340., 318., 362., 348., 363., 435., 491., 505., 404., 359., 310., 337., //
    360., 342., 406., 396., 420., 472., 548., 559., 463., 407., 362., 405., //
    417., 391., 419., 461., 472., 535., 622., 606., 508., 461., 390., 432.,
];

/// The flow of the Nile at Aswan in 10^8 cubic metres a year, 1871 to 1970. Cobb 1978, *The problem of the Nile*,
/// Biometrika 65; Durbin and Koopman 2001, *Time Series Analysis by State Space Methods*.
pub(crate) const NILE: [f64; 100] = [
    1120., 1160., 963., 1210., 1160., 1160., 813., 1230., 1370., 1140., //
    995., 935., 1110., 994., 1020., 960., 1180., 799., 958., 1140., //
    1100., 1210., 1150., 1250., 1260., 1220., 1030., 1100., 774., 840., //
    874., 694., 940., 833., 701., 916., 692., 1020., 1050., 969., //
    831., 726., 456., 824., 702., 1120., 1100., 832., 764., 821., //
    768., 845., 864., 862., 698., 845., 744., 796., 1040., 759., //
    781., 865., 845., 944., 984., 897., 822., 1010., 771., 676., //
    649., 846., 812., 742., 801., 1040., 860., 874., 848., 890., //
    744., 749., 838., 1050., 918., 986., 797., 923., 975., 815., //
    1020., 906., 901., 1170., 912., 746., 919., 718., 714., 740.,
];

/// `count` values between -1 and 1 from a fixed generator (xorshift64*), so that a test sees the same noise everywhere.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
            bits as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// A level of 100, a trend, a season and noise.
pub(crate) fn seasonal(count: usize, season: usize) -> Vec<f64> {
    let noise = noise(7, count);
    let angle = |step: usize| std::f64::consts::TAU * (step % season) as f64 / season as f64;
    (0..count).map(|step| 100.0 + 0.3 * step as f64 + 20.0 * angle(step).sin() + 4.0 * noise[step]).collect()
}

/// Demand that is mostly 0.
pub(crate) fn intermittent(count: usize) -> Vec<f64> {
    noise(11, count).iter().map(|value| if *value > 0.5 { (value * 20.0).round() } else { 0.0 }).collect()
}
