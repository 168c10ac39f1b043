//! Where in the SQL an error of planning comes from, and what else is wrong.
//!
//! DataFusion knows the place of some errors and reports the first only. The rest is found by experiment: replace one
//! expression of the tree by `null` and plan again. When the error is gone, it came from there. With the culprit replaced, planning
//! goes on to the next error. It costs one plan (under a millisecond) for each expression tried, and only when something is wrong.

use std::ops::ControlFlow;

use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, Spanned, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Span, Token};
use lockgate_types::{Diagnostic, Diagnostics};

use super::explain::{Explained, explain};
use super::{Planner, Resolved};
use crate::codes;
use crate::syntax::{first_word, place, words};

/// Mistakes reported of one statement.
const MOST: usize = 20;
/// Plans made while looking for one place.
const TRIALS: usize = 400;

/// Every diagnostic that can be had of a statement that does not plan.
pub(super) fn diagnose(planner: &Planner<'_>, resolved: &Resolved<'_>, error: &DataFusionError) -> Diagnostics {
    let mut query = resolved.query.clone();
    name_columns(&mut query);
    let mut search = Search { planner, resolved, nodes: nodes(&query), query, replaced: Vec::new() };
    let mut wrong = Diagnostics::default();
    let mut next = Some(report(error, &mut search, &mut wrong, true));
    while let Some(true) = next {
        if wrong.0.len() >= MOST {
            break;
        }
        next = search.plan(&search.replaced).map(|error| report(&error, &mut search, &mut wrong, false));
    }
    wrong
}

/// Whether something new was found and replaced, so that planning again may tell more.
fn report(error: &DataFusionError, search: &mut Search<'_>, wrong: &mut Diagnostics, first: bool) -> bool {
    let errors: Vec<&DataFusionError> = error.iter().collect();
    let mut replaced = false;
    for (index, error) in errors.iter().enumerate() {
        let explained = explain(error);
        // What follows from a column that is now null is no mistake of its own.
        if !first && !stands_alone(&explained.diagnostic) {
            continue;
        }
        let (span, node) = search.locate(&explained, error, errors.len() == 1 && index == 0);
        let sql = search.resolved.sql;
        let place = span.map_or_else(|| first_word(sql), |span| place(sql, span));
        let diagnostic = explained.diagnostic.at(place);
        if !wrong.0.contains(&diagnostic) {
            wrong.push(diagnostic);
        }
        if let Some(node) = node.filter(|node| !search.replaced.contains(node)) {
            search.replaced.push(node);
            replaced = true;
        }
    }
    replaced
}

fn stands_alone(diagnostic: &Diagnostic) -> bool {
    let names = [&codes::UNKNOWN_COLUMN, &codes::AMBIGUOUS_COLUMN, &codes::UNKNOWN_FUNCTION];
    names.contains(&diagnostic.code)
        || (diagnostic.code == &codes::TYPE_MISMATCH && !diagnostic.message.contains("null"))
}

/// An expression of the tree, by its number in the order of visiting.
#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    span: Span,
    /// How many expressions are below it.
    below: usize,
}

struct Search<'a> {
    planner: &'a Planner<'a>,
    resolved: &'a Resolved<'a>,
    query: Query,
    nodes: Vec<Node>,
    replaced: Vec<usize>,
}

impl Search<'_> {
    /// The error that is left when these expressions are null.
    fn plan(&self, nulls: &[usize]) -> Option<DataFusionError> {
        let mut query = self.query.clone();
        // The visitor never breaks.
        let _ = VisitMut::visit(&mut query, &mut Replace { nulls, nodes: &self.nodes, next: 0 });
        self.planner.try_plan(query, &self.resolved.sources).err()
    }

    fn locate(&self, explained: &Explained, error: &DataFusionError, alone: bool) -> (Option<Span>, Option<usize>) {
        if let Some(span) = explained.span.filter(|span| *span != Span::empty()) {
            return (Some(span), self.node_at(span));
        }
        if alone && let Some(node) = self.experiment(error) {
            let span = self.nodes.get(node).map(|node| node.span).filter(|span| *span != Span::empty());
            return (span.or_else(|| self.word(explained)), Some(node));
        }
        (self.word(explained), None)
    }

    /// The smallest expression around a span.
    fn node_at(&self, span: Span) -> Option<usize> {
        let around = |node: &Node| node.span.start <= span.start && span.end <= node.span.end;
        let found = self.nodes.iter().enumerate().filter(|(_, node)| around(node));
        found.min_by_key(|(_, node)| node.below).map(|(index, _)| index)
    }

    /// The deepest expression without which the error is gone.
    fn experiment(&self, error: &DataFusionError) -> Option<usize> {
        let message = error.strip_backtrace();
        let (mut culprit, mut trials) = (None, 0);
        loop {
            let children: Vec<usize> =
                (0..self.nodes.len()).filter(|index| self.nodes[*index].parent == culprit).collect();
            let mut mended = Vec::new();
            for child in children.into_iter().filter(|child| !self.replaced.contains(child)) {
                trials += 1;
                if trials > TRIALS {
                    return culprit;
                }
                let nulls: Vec<usize> = self.replaced.iter().copied().chain([child]).collect();
                match self.plan(&nulls) {
                    None => mended.push((child, true)),
                    Some(other) if other.strip_backtrace() != message => mended.push((child, false)),
                    Some(_) => {}
                }
            }
            // An expression that leaves no error at all tells more than one that leaves another.
            if mended.iter().any(|(_, whole)| *whole) {
                mended.retain(|(_, whole)| *whole);
            }
            match mended[..] {
                [(child, _)] => culprit = Some(child),
                // Either operand mends a comparison: the comparison itself is wrong.
                _ => return culprit,
            }
        }
    }

    /// The first word of the text that is the name in question.
    fn word(&self, explained: &Explained) -> Option<Span> {
        let name = explained.name.as_ref()?;
        words(self.resolved.sql).into_iter().find_map(|token| match token.token {
            Token::Word(word) if word.value == *name => Some(token.span),
            _ => None,
        })
    }
}

fn nodes(query: &Query) -> Vec<Node> {
    let mut list = List { nodes: Vec::new(), open: Vec::new() };
    // The visitor never breaks.
    let _ = Visit::visit(query, &mut list);
    list.nodes
}

struct List {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

impl Visitor for List {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let index = self.nodes.len();
        self.nodes.push(Node { parent: self.open.last().copied(), span: expr.span(), below: 0 });
        self.open.push(index);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<()> {
        if let Some(index) = self.open.pop() {
            self.nodes[index].below = self.nodes.len() - index - 1;
        }
        ControlFlow::Continue(())
    }
}

struct Replace<'a> {
    nulls: &'a [usize],
    nodes: &'a [Node],
    next: usize,
}

impl VisitorMut for Replace<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.nulls.contains(&self.next) {
            let span = expr.span();
            *expr = Expr::Value(ValueWithSpan { value: Value::Null, span });
            // What was below is gone, and its numbers with it.
            self.next += self.nodes.get(self.next).map_or(0, |node| node.below);
        }
        self.next += 1;
        ControlFlow::Continue(())
    }
}

/// A column that is replaced keeps its name for those who read it.
fn name_columns(query: &mut Query) {
    struct Name;
    impl VisitorMut for Name {
        type Break = ();

        fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
            for item in &mut select.projection {
                let name = match item {
                    SelectItem::UnnamedExpr(Expr::Identifier(name)) => name.clone(),
                    SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => match parts.last() {
                        Some(name) => name.clone(),
                        None => continue,
                    },
                    _ => continue,
                };
                if let SelectItem::UnnamedExpr(expr) = item.clone() {
                    *item = SelectItem::ExprWithAlias { expr, alias: Ident { ..name } };
                }
            }
            ControlFlow::Continue(())
        }
    }
    // The visitor never breaks.
    let _ = VisitMut::visit(query, &mut Name);
}
