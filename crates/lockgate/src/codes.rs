//! The diagnostics of the command line, LG08xx, and the list of everyone's.

use lockgate_types::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub(crate) const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    USAGE = "LG0801", "wrong usage",
        "The command line cannot be understood: an unknown flag, a missing argument, a value of the wrong form. \
         `lockgate help COMMAND` shows what a command takes.\n\n\
         ```\n$ lockgate rollback mart.revenue\n```\n\n\
         lacks `--to N` and `--why TEXT`.";
    NOT_BUILT = "LG0802", "not built yet",
        "The design names this command or flag, and this build does not have it yet. Nothing was done. It is refused, \
         not ignored, so that a script that relies on it stops here.";
    UNKNOWN_CODE = "LG0803", "no such diagnostic",
        "`lockgate explain` takes the code that stands in brackets behind `error` or `warning`, for example \
         `lockgate explain LG0103`. Without a code it lists all of them.";
    ALREADY_A_PROJECT = "LG0804", "there is a project already",
        "`lockgate init` makes a new project and never overwrites a file. In an existing project, \
         `lockgate init --from FILE` adds sources to it.";
    CANNOT_WRITE = "LG0805", "a file cannot be written",
        "The file named in the message could not be made or written: a folder is missing, a disk is full, or \
         permission is lacking. What the command did before it stands.";
    BAD_NAME = "LG0806", "this is not a name",
        "Names are `schema.table`, each part lowercase letters, digits and `_`, starting with a letter and without \
         `__`. The first folder under `assets/` is the schema, the file's stem the table.";
    UNKNOWN_COLUMN = "LG0807", "no such column",
        "`lockgate lineage NAME.COLUMN` follows one column of an asset to what it is made from and what is made from \
         it. The asset has no column of that name; `lockgate show NAME` lists its columns.";
    UNKNOWN_CHECK = "LG0808", "no such check",
        "A check is called by its `name`, by default its kind and its columns: `unique_region_ts`. \
         `lockgate show NAME` lists an asset's checks.";
    NO_PROJECT = "LG0809", "there is no project here",
        "A project is a folder with a `lockgate.yml`. Change into it, name it with `-C DIR`, or make one with \
         `lockgate init`.";
    OUTPUT = "LG0810", "the output cannot be written",
        "The data could not be written to where it was sent: a full disk, a closed device, a value that the format \
         cannot hold. A file named with `-o` is written whole or not at all.";
    SYSTEM = "LG0811", "the system refuses a resource",
        "The operating system had no thread, no memory or no signal handler for the command, so nothing was begun. \
         Usually a limit of the user or the container (`ulimit -a`) is too low.";
    UNKNOWN_SERIES = "LG0813", "no such series",
        "`lockgate forecast show NAME --series A,B` takes the values of the forecast's series columns, in the order in which \
         its file names them. There is no such series in the published forecast.";
    NO_TOKEN = "LG0812", "no such token",
        "`lockgate token revoke` takes the id that `lockgate token list` shows, not the name and not the token itself.";
}
