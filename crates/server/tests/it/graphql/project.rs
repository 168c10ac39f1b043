//! The project that is asked: every type, keys of one and two columns, a table that references itself, odd names.

/// Its first line names the columns.
pub(crate) const FLIGHTS: &str = "id,tailnum,on,origin,dep,seen,delay,price,big,ok,note\n\
    1,N1,2026-01-01,JFK,2026-01-01 06:30:00,2026-01-01T05:30:00Z,1.5,10.50,9007199254740993,true,plain\n\
    2,N1,2026-01-01,EWR,2026-01-01 07:00:00.25,2026-01-01T06:00:00Z,NaN,20.00,-9223372036854775808,false,it's\n\
    3,N2,2026-01-02,JFK,,,-3,30.25,5,,\"a \"\"quoted\"\" \\ text\"\n\
    4,,2026-01-02,LGA,2026-01-02 00:00:00,2026-01-02T00:00:00Z,inf,,,true,100%\n\
    5,N2,,JFK,2026-01-03 00:00:00,2026-01-03T00:00:00Z,,0.01,7,false,\"\"\n";

pub(crate) fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("lockgate.yml", "name: air\nengine: { memory: 256MB, threads: 2 }\n"),
        ("data/planes.csv", "tailnum,seats,maker\nN1,100,Airbus\nN2,200,Boeing\nN3,,Cessna\n"),
        ("data/flights.csv", FLIGHTS),
        (
            "data/weather.csv",
            "day,origin,sky\n2026-01-01,JFK,clear\n2026-01-01,EWR,rain\n2026-01-02,JFK,snow\n2026-01-02,LGA,fog\n",
        ),
        ("data/staff.csv", "id,boss,name,mail\n1,,Ada,ada@x\n2,1,Bob,bob@x\n3,1,Cid,\n4,2,Dee,dee@x\n"),
        (
            "assets/raw/planes.yml",
            "kind: source\ndescription: Planes of the fleet.\nread: { path: data/planes.csv }\n\
             columns: { tailnum: string, seats: int, maker: { type: string, description: Who built it } }\n\
             checks:\n  - unique: tailnum\n",
        ),
        (
            "assets/raw/weather.yml",
            "kind: source\nread: { path: data/weather.csv }\ncolumns: { day: date, origin: string, sky: string }\n\
             checks:\n  - unique: [day, origin]\n",
        ),
        (
            "assets/raw/flights.yml",
            "kind: source\nread: { path: data/flights.csv }\n\
             columns:\n  id: bigint\n  tailnum: string\n  on: date\n  origin: string\n  dep: timestamp\n  seen: timestamptz\n  \
             delay: double\n  price: decimal(10,2)\n  big: bigint\n  ok: boolean\n  note: string\n\
             checks:\n  - unique: id\n  - references: { tailnum: raw.planes.tailnum }\n  \
             - references: { on: raw.weather.day, origin: raw.weather.origin }\n",
        ),
        (
            "assets/hr/staff.yml",
            "kind: source\nread: { path: data/staff.csv }\n\
             columns: { id: int, boss: int, name: string, mail: { type: string, pii: true } }\n\
             checks:\n  - unique: id\n  - references: { boss: hr.staff.id }\n",
        ),
        (
            "assets/mart/odd.sql",
            "select 1 as \"a-b\", 2 as a_b, 3 as \"and\", 4 as \"1st\", 5 as \"say\"\"hi\"\"\", make_array(1, null, 3) as list,\n\
             named_struct('a', 1, 'b', 'two') as struct, x'00ff' as bytes\n",
        ),
    ]
}
