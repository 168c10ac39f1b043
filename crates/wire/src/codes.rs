//! The diagnostics of the Postgres wire, LG11xx.

use lockgate_types::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    READ_ONLY = "LG1101", "the postgres wire is read-only",
        "Over the Postgres protocol published tables are read, and nothing else: `insert`, `update`, `delete`, `create`, `copy`, `grant` and every other statement that would change something is refused with SQLSTATE 25006, whoever asks. Data comes into a table as a new version of an asset: `lockgate run`.";
    NOT_HERE = "LG1102", "not understood over the postgres wire",
        "The statement is one that PostgreSQL has and this port has not (`explain`, `prepare`, `listen`, `lock`, …), or mixes Postgres' own catalogue with published tables in one query. SELECT, SHOW, SET of a session's settings, BEGIN … COMMIT and cursors are understood.";
    SIGN_IN = "LG1103", "the token is not valid",
        "The server asks for a token. Any user name does; the password is the token's secret, as `lockgate token create --role viewer` showed it once. A token that has expired, was revoked or is not known is refused alike. The password travels as it is: use it on this machine, or through a tunnel that encrypts.";
    FULL = "LG1104", "too many connections",
        "The port serves a limited number of connections at once (50). Close some, or let the tool use a smaller pool.";
    STOPPED = "LG1105", "the statement was stopped",
        "It was cancelled by its client, took longer than `statement_timeout` or than the server allows (5 minutes), or the server is being stopped.";
    PROTOCOL = "LG1106", "the protocol was not kept",
        "The client sent bytes that are no message of the Postgres protocol 3, a message that is longer than 16 MB, or a message that has no place where it was sent.";
    PARAMETER = "LG1107", "a parameter cannot be used",
        "A value that was bound to `$1`, `$2`, … does not have the form of its type, has a type that is not understood here, or is missing.";
    CATALOGUE = "LG1108", "a catalogue query that cannot be answered",
        "Tools ask Postgres' catalogue (`pg_catalog`, `information_schema`) what there is. This port answers such queries over its own description of the published tables; this one uses something that it does not have. The data itself is not concerned: tables are read by their names.";
    SETTING = "LG1109", "this setting cannot be set",
        "`set` takes the harmless settings of a session (`application_name`, `statement_timeout`, `datestyle`, …). Limits of the engine are the project's (`engine:` in `lockgate.yml`), text is UTF-8, and times are told in UTC.";
    NO_SUCH = "LG1110", "no such statement, portal or cursor",
        "The client named a prepared statement, a portal or a cursor that does not exist (any more). Cursors and portals end with their transaction.";
    VALUE = "LG1111", "a value that postgres cannot hold",
        "A value of the answer lies outside what the Postgres type of its column can hold, such as a date before the year -4713. Cast it to `string`.";
    ABORTED = "LG1112", "the transaction has failed",
        "A statement of this transaction failed; as in PostgreSQL everything is refused until `rollback` (or `commit`, which then rolls back).";
}
