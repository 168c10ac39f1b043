//! The diagnostics of the server, LG09xx.

use lockgate_types::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    BAD_REQUEST = "LG0901", "a request that cannot be understood",
        "A parameter, a header or the body of a request has the wrong form; the message names it. `/api/v1/openapi.json` describes every request.";
    NO_SUCH_PAGE = "LG0902", "there is nothing at this address",
        "The server has no such path. The API lives under `/api/v1`, described by `/api/v1/openapi.json`; the UI at `/`.";
    SIGN_IN = "LG0903", "sign-in is needed",
        "The server asks for a token: it is bound to more than this machine, or tokens exist. Send it as `Authorization: Bearer TOKEN`, or sign in on the UI. A token is made with\n\n```\nlockgate token create --name ada --role operator\n```\n\nand shown once. One that has expired, was revoked or is not known is refused alike.";
    FORBIDDEN = "LG0904", "the token's role does not allow this",
        "A *viewer* reads; an *operator* starts runs and decides about versions, suppressions and schedules; an *admin* also makes and revokes tokens.";
    CROSS_SITE = "LG0905", "a request from another site",
        "A browser sent this request from a page of another origin, or to a host name that is not this server's. Such requests change nothing here. Scripts send no `Origin` header and are not concerned.";
    NEEDS_SIGN_IN = "LG0906", "only with sign-in",
        "The server binds to addresses beyond this machine only when callers have to sign in. Make a token first, `lockgate token create --name ada --role admin`, and start it with `--sign-in`; or bind it to `127.0.0.1`.";
    CANNOT_BIND = "LG0907", "the address cannot be bound",
        "The address is in use by another process, or is not one of this machine, or the port is reserved. `--bind 127.0.0.1:0` takes any free port and prints it.";
    TOO_MUCH = "LG0908", "more than the server takes at once",
        "A limit that keeps the server answering others was reached: requests of one caller in a short time, queries at once, or bytes of a body. Wait as long as `Retry-After` says, then try again.";
    TOO_LARGE = "LG0909", "an answer over its limit",
        "A query's answer was cut or stopped because it took longer, or held more, than the server allows for one query. Narrow it, or take it as a stream (`\"format\": \"arrow\"` or `csv`), which has no limit of rows.";
    KEY_REUSED = "LG0910", "an idempotency key of another request",
        "The `Idempotency-Key` was sent before with another body or path. A key stands for one request: repeat it unchanged, or make a new key.";
    STILL_AT_WORK = "LG0911", "the first request of this key is at work",
        "A request with the same `Idempotency-Key` has not been answered yet. Ask again in a moment: it will have the same answer.";
    NO_SUCH_RUN = "LG0912", "no such run",
        "The environment has no run of that id. `GET /api/v1/runs` lists them.";
    NOT_HERE = "LG0913", "the run is not driven by this server",
        "A run is cancelled where it is driven: with Ctrl-C at its command, or at its own server. This server did not start it, or it has ended.";
    NO_SUCH = "LG0914", "no such thing",
        "The address names a schedule, token or query that does not exist (any more). Its list, one level up, shows those that do.";
    NO_REASON = "LG0915", "a reason is missing",
        "What a person decides is kept with a reason in the audit log: say `\"why\": \"…\"`.";
    STOPPING = "LG0916", "the server is stopping",
        "The server is being stopped. What is published stays; runs that it drives are interrupted and go on with the next `lockgate run`.";
    BROKEN_PROJECT = "LG0917", "the project's files cannot be loaded",
        "The project's files are broken at the moment; the diagnostics name the places. What was loaded last is still served, but nothing new is started from it.";
}
