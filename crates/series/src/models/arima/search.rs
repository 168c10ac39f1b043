//! The stepwise search for an order: from a few simple ones to the best neighbour, until no neighbour is better.

use std::collections::BTreeMap;

use super::estimate::{Effort, Estimate, Likelihood};
use super::order::Order;

/// Most terms: p and q, P and Q.
const MOST: usize = 5;
const MOST_SEASONAL: usize = 2;
/// Orders that are looked at, at most.
const MOST_ORDERS: usize = 94;

/// The best order for the differenced values, and its estimate. `None` when not even the simplest settles.
pub(super) fn search(differences: Order, values: &[f64]) -> Option<Estimate> {
    let mut search = Search { values, seen: BTreeMap::new(), best: None };
    let constant = differences.d + differences.seasonal_d <= 1;
    let seasonal = usize::from(differences.season > 1);
    let with = |p, q, seasonal_p, seasonal_q| Order { p, q, seasonal_p, seasonal_q, constant, ..differences };
    for order in [with(2, 2, seasonal, seasonal), with(0, 0, 0, 0), with(1, 0, seasonal, 0), with(0, 1, 0, seasonal)] {
        search.consider(order);
    }
    if constant {
        search.consider(Order { constant: false, ..with(0, 0, 0, 0) });
    }
    while let Some(best) = search.best.as_ref().map(|best| best.order) {
        if !neighbours(best, constant).into_iter().any(|order| search.consider(order)) {
            break;
        }
    }
    let chosen = search.best?;
    let mut likelihood = Likelihood::new(chosen.order, values);
    let polished = likelihood.estimate(&chosen.point, Effort::FINAL);
    Some(polished.filter(Estimate::sound).unwrap_or(chosen))
}

struct Search<'a> {
    values: &'a [f64],
    seen: BTreeMap<Order, ()>,
    best: Option<Estimate>,
}

impl Search<'_> {
    /// Estimates an order unless it was before; whether it is the best so far.
    fn consider(&mut self, order: Order) -> bool {
        let [p, q, seasonal_p, seasonal_q] = order.terms();
        // Terms that the values cannot bear.
        let reach = p.max(q) + seasonal_p.max(seasonal_q) * order.season;
        if self.seen.len() >= MOST_ORDERS
            || reach + p + q + seasonal_p + seasonal_q + 2 > self.values.len()
            || self.seen.insert(order, ()).is_some()
        {
            return false;
        }
        let start =
            self.best.as_ref().map_or_else(|| vec![0.0; order.terms().iter().sum()], |best| carried(best, &order));
        let Some(estimate) = Likelihood::new(order, self.values).estimate(&start, Effort::COMPARE) else {
            return false;
        };
        if !estimate.sound() || self.best.as_ref().is_some_and(|best| estimate.aicc >= best.aicc) {
            return false;
        }
        self.best = Some(estimate);
        true
    }
}

/// The point of an estimate in the space of another order; new terms begin at 0.
fn carried(from: &Estimate, to: &Order) -> Vec<f64> {
    let mut rest = from.point.as_slice();
    let mut point = Vec::new();
    for (had, has) in from.order.terms().into_iter().zip(to.terms()) {
        let (own, others) = rest.split_at(had);
        rest = others;
        // Away from the edge, where the likelihood hardly moves.
        point.extend((0..has).map(|index| own.get(index).map_or(0.0, |value| value.clamp(-1.5, 1.5))));
    }
    point
}

/// The orders one step away: seasonal terms first, then the others, then the constant.
fn neighbours(order: Order, constant: bool) -> Vec<Order> {
    let mut orders = Vec::new();
    let step = |value: usize, by: isize, most: usize| value.checked_add_signed(by).filter(|value| *value <= most);
    let steps = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];
    if order.season > 1 {
        for (ar, ma) in steps {
            let terms = step(order.seasonal_p, ar, MOST_SEASONAL).zip(step(order.seasonal_q, ma, MOST_SEASONAL));
            orders.extend(terms.map(|(seasonal_p, seasonal_q)| Order { seasonal_p, seasonal_q, ..order }));
        }
    }
    for (ar, ma) in steps {
        let terms = step(order.p, ar, MOST).zip(step(order.q, ma, MOST));
        orders.extend(terms.map(|(p, q)| Order { p, q, ..order }));
    }
    if constant {
        orders.push(Order { constant: !order.constant, ..order });
    }
    orders
}
