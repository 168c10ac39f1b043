//! `functions/*.sql`: functions written in SQL, whose body is one expression over the arguments.
//!
//! A call is replaced by the body when that repeats no work; otherwise the body is evaluated on the arguments' values. So a
//! function costs what its body costs, and filters through it still choose files.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType as Arrow, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result as DfResult};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{
    ColumnDef, CreateFunction, CreateFunctionBody, DataType as SqlType, Expr as SqlExpr, FunctionReturnType, Ident,
    Spanned, Statement,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use lockgate_project::SqlText;
use lockgate_types::{Diagnostic, Diagnostics};

use crate::planner::{Context, explain};
use crate::syntax::{Names, RUN_AT, bind, first_word, place, statements, unknown_vars, visit};
use crate::{Scalar, codes};

/// One `create function`, read but not planned.
struct Written<'a> {
    sql: &'a SqlText,
    name: Ident,
    arguments: Vec<(Ident, SqlType)>,
    returns: SqlType,
    body: SqlExpr,
    /// Functions of the project that the body may call.
    calls: Vec<String>,
    reads_run_at: bool,
}

/// Adds the project's functions to a session. Files may be in any order: a function is added after those it calls.
pub(crate) fn register(
    state: &mut SessionState,
    files: &[SqlText],
    vars: &BTreeMap<String, Scalar>,
    run_at: DateTime<Utc>,
) -> Result<(), Diagnostics> {
    let mut wrong = Diagnostics::default();
    let mut waiting: Vec<Written<'_>> = Vec::new();
    for file in files {
        match read_file(state, file, vars, run_at) {
            Ok(written) => waiting.extend(written),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    let names: Vec<String> = waiting.iter().map(|function| function.name.value.clone()).collect();
    for (index, function) in waiting.iter().enumerate() {
        if names.iter().position(|name| *name == function.name.value) != Some(index) {
            wrong.push(mistake(
                function.sql,
                function.name.span,
                format!("there are two functions `{}`", function.name.value),
            ));
        }
    }
    if wrong.has_errors() {
        return Err(wrong);
    }
    while !waiting.is_empty() {
        let pending: Vec<String> = waiting.iter().map(|function| function.name.value.clone()).collect();
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|function| !function.calls.iter().any(|call| pending.contains(call)));
        if ready.is_empty() {
            for function in rest {
                let message = format!("the function `{}` calls itself, at once or through others", function.name.value);
                wrong.push(mistake(function.sql, function.name.span, message));
            }
            return Err(wrong);
        }
        for function in ready {
            match plan(state, &function) {
                Ok(udf) => {
                    // An older one of that name cannot be there: it was refused before.
                    let _ = state.register_udf(Arc::new(udf));
                }
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
        waiting = rest;
    }
    if wrong.has_errors() { Err(wrong) } else { Ok(()) }
}

fn mistake(sql: &SqlText, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(&codes::SQL_FUNCTION, message).at(place(sql, span))
}

fn read_file<'a>(
    state: &SessionState,
    sql: &'a SqlText,
    vars: &BTreeMap<String, Scalar>,
    run_at: DateTime<Utc>,
) -> Result<Vec<Written<'a>>, Diagnostics> {
    let mut wrong = Diagnostics::default();
    let mut written = Vec::new();
    for statement in statements(sql)? {
        match statement {
            Statement::CreateFunction(function) => match read_function(state, sql, function, vars, run_at) {
                Ok(function) => written.push(function),
                Err(diagnostics) => wrong.extend(diagnostics),
            },
            other => wrong.push(
                mistake(sql, other.span(), "only `create function` has a place here")
                    .expected("create function NAME(ARGUMENT TYPE, …) returns TYPE return EXPRESSION"),
            ),
        }
    }
    if wrong.has_errors() { Err(wrong) } else { Ok(written) }
}

fn read_function<'a>(
    state: &SessionState,
    sql: &'a SqlText,
    function: CreateFunction,
    vars: &BTreeMap<String, Scalar>,
    run_at: DateTime<Utc>,
) -> Result<Written<'a>, Diagnostics> {
    let span = function.name.span();
    let name = match &function.name.0[..] {
        [part] => part.as_ident().cloned(),
        _ => None,
    };
    let Some(name) = name else {
        return Err(mistake(sql, span, format!("`{}` is not a function's name: it has one part", function.name)).into());
    };
    if state.scalar_functions().contains_key(&name.value)
        || state.aggregate_functions().contains_key(&name.value)
        || state.window_functions().contains_key(&name.value)
    {
        return Err(mistake(sql, span, format!("`{}` is a built-in function already", name.value)).into());
    }
    let mut arguments = Vec::new();
    for argument in function.args.unwrap_or_default() {
        match (argument.name, argument.mode, argument.default_expr) {
            (Some(name), None, None) => arguments.push((name, argument.data_type)),
            _ => {
                return Err(
                    mistake(sql, span, "an argument is written `NAME TYPE`, without a mode or a default").into()
                );
            }
        }
    }
    let Some(FunctionReturnType::DataType(returns)) = function.return_type else {
        return Err(mistake(sql, span, "what the function returns is missing").expected("returns TYPE").into());
    };
    let Some(CreateFunctionBody::Return(mut body)) = function.function_body else {
        return Err(mistake(sql, span, "the function has no body").expected("return EXPRESSION").into());
    };
    let used = visit(sql, &body, Names::Any)?;
    if let Some(table) = used.tables.first() {
        return Err(
            mistake(sql, table.span, "a function reads no tables: it is an expression over its arguments").into()
        );
    }
    let unknown = unknown_vars(sql, &used, vars);
    if unknown.has_errors() {
        return Err(unknown);
    }
    let reads_run_at = used.vars.iter().any(|(name, _)| name == RUN_AT);
    bind(&mut body, vars, run_at);
    Ok(Written { sql, name, arguments, returns, body, calls: used.functions.into_iter().collect(), reads_run_at })
}

fn plan(state: &SessionState, function: &Written<'_>) -> Result<ScalarUDF, Diagnostics> {
    planned(state, function)
        .map_err(|error| {
            let explained = explain(&error);
            let at = match explained.span {
                Some(span) => place(function.sql, span),
                None if function.body.span() != Span::empty() => place(function.sql, function.body.span()),
                None => first_word(function.sql),
            };
            Diagnostics::from(explained.diagnostic.at(at))
        })?
        .map_err(|message| mistake(function.sql, function.body.span(), message).into())
}

/// The inner error is a mistake that DataFusion would let pass.
fn planned(state: &SessionState, function: &Written<'_>) -> DfResult<Result<ScalarUDF, String>> {
    let sources = HashMap::new();
    let context = Context { state, sources: &sources };
    let sql_to_rel = SqlToRel::new_with_options(&context, ParserOptions::from(&state.config_options().sql_parser));
    let column = |name: &Ident, data_type: &SqlType| ColumnDef {
        name: name.clone(),
        data_type: data_type.clone(),
        options: Vec::new(),
    };
    let arguments = function.arguments.iter().map(|(name, data_type)| column(name, data_type)).collect();
    let arguments = Arc::new(sql_to_rel.build_schema(arguments)?);
    let returns =
        sql_to_rel.build_schema(vec![column(&function.name, &function.returns)])?.field(0).data_type().clone();
    let schema = DFSchema::try_from(arguments.clone())?;
    let body = sql_to_rel.sql_to_expr(function.body.clone(), &schema, &mut PlannerContext::new())?;
    let body = cast(body, returns.clone());
    let mut refused = None;
    body.apply(|part| {
        refused = refused.or(match part {
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::GroupingSet(_) => {
                Some("an aggregate or a window")
            }
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => {
                Some("a subquery")
            }
            Expr::Unnest(_) => Some("`unnest`"),
            _ => None,
        });
        Ok(TreeNodeRecursion::Continue)
    })?;
    if let Some(what) = refused {
        return Ok(Err(format!("a function is an expression over its arguments, without {what}")));
    }
    let volatile = body.is_volatile();
    let context = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build();
    let body = datafusion::optimizer::simplify_expressions::ExprSimplifier::new(context).coerce(body, &schema)?;
    let physical = state.create_physical_expr(body.clone(), &schema)?;
    let types = arguments.fields().iter().map(|field| field.data_type().clone()).collect();
    Ok(Ok(ScalarUDF::from(SqlFunction {
        name: function.name.value.clone(),
        signature: Signature::exact(types, if volatile { Volatility::Volatile } else { Volatility::Immutable }),
        arguments,
        returns,
        body,
        reads_run_at: function.reads_run_at,
        physical,
    })))
}

#[derive(Debug)]
pub(crate) struct SqlFunction {
    name: String,
    signature: Signature,
    arguments: SchemaRef,
    returns: Arrow,
    pub(crate) body: Expr,
    /// The instant is a literal in the body by now.
    pub(crate) reads_run_at: bool,
    physical: Arc<dyn PhysicalExpr>,
}

// Two functions of a session with one name and body are the same one.
impl PartialEq for SqlFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.signature == other.signature && self.body == other.body
    }
}

impl Eq for SqlFunction {}

impl Hash for SqlFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.body.hash(state);
    }
}

impl SqlFunction {
    /// Whether putting the arguments into the body evaluates none of them twice.
    fn repeats_nothing(&self, arguments: &[Expr]) -> bool {
        let mut uses = vec![0_usize; arguments.len()];
        // The closure never fails.
        let _ = self.body.apply(|part| {
            if let Expr::Column(column) = part
                && let Some(index) = self.place_of(column)
                && let Some(count) = uses.get_mut(index)
            {
                *count += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        });
        let cheap = |expr: &Expr| matches!(expr, Expr::Column(_) | Expr::Literal(..));
        arguments.iter().zip(uses).all(|(argument, uses)| uses <= 1 || cheap(argument))
    }

    fn place_of(&self, column: &Column) -> Option<usize> {
        self.arguments.fields().iter().position(|field| *field.name() == column.name)
    }
}

impl ScalarUDFImpl for SqlFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[Arrow]) -> DfResult<Arrow> {
        Ok(self.returns.clone())
    }

    fn simplify(&self, arguments: Vec<Expr>, _context: &SimplifyContext) -> DfResult<ExprSimplifyResult> {
        if !self.repeats_nothing(&arguments) {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let inlined = self.body.clone().transform(|part| match &part {
            Expr::Column(column) => Ok(match self.place_of(column).and_then(|index| arguments.get(index)) {
                // What was put in is not looked at again: its columns are the query's.
                Some(argument) => Transformed::new(argument.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(part),
            }),
            _ => Ok(Transformed::no(part)),
        });
        Ok(ExprSimplifyResult::Simplified(inlined.data()?))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let scalar = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if scalar && !self.body.is_volatile() { 1 } else { call.number_rows };
        let columns: Vec<ArrayRef> =
            call.args.into_iter().map(|argument| argument.into_array(rows)).collect::<DfResult<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.arguments.clone(), columns, &options)?;
        let value = self.physical.evaluate(&batch)?;
        if rows == call.number_rows {
            return Ok(value);
        }
        let array = value.into_array(rows)?;
        Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?))
    }
}
