//! PostgreSQL's grammar, and what DataFusion has beyond it: `* exclude (…)`, `* replace (…)`, `{'a': 1}`.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

#[derive(Debug)]
pub(super) struct Lockgate;

const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// What PostgreSQL's dialect says of queries; what it says of other statements is nothing to us. One answer is left out:
/// with names of arguments that are expressions, the parser reads every argument twice, and a call nested twenty deep
/// a million times.
macro_rules! yes {
    ($($method:ident)*) => {
        $(fn $method(&self) -> bool {
            true
        })*
    };
}

impl Dialect for Lockgate {
    /// The parser asks for it where the dialects' methods do not tell enough.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRES.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        POSTGRES.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        POSTGRES.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        POSTGRES.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        POSTGRES.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRES.prec_value(precedence)
    }

    yes! {
        supports_unicode_string_literal
        supports_filter_during_aggregation
        supports_group_by_expr
        allow_extract_custom
        allow_extract_single_quotes
        supports_bitwise_shift_operators
        supports_nested_comments
        supports_string_escape_constant
        supports_numeric_literal_underscores
        supports_array_typedef_with_brackets
        supports_notnull_operator
        supports_interval_options
        supports_comma_separated_trim
    }

    // Beyond PostgreSQL.
    yes! {
        supports_select_wildcard_exclude
        supports_select_wildcard_except
        supports_select_wildcard_replace
        supports_dictionary_syntax
    }
}
