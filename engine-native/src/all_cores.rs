//! Work that is shared out once, on all cores: weights, while they are loaded. Where the system gives
//! no more threads, those that there are do everything; a library's pool would panic.

use std::{
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

/// Calls `job` on every item and returns the results in the order of the items. The calling thread
/// works, too.
pub(crate) fn map<T, R: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    job: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let n_cores = thread::available_parallelism().map_or(1, |n| n.get());
    let n_helpers = (n_cores - 1).min(items.len().saturating_sub(1));
    let queue = Mutex::new(items.enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut done = Vec::new();
        while let Some((i, item)) = next() {
            done.push((i, job(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let helpers: Vec<_> = (0..n_helpers).map_while(start).collect();
        let mut done = work();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_order_of_the_items() {
        for n in [0, 1, 2, 3, 1000] {
            assert!(map(0..n, |i| 3 * i).into_iter().eq((0..n).map(|i| 3 * i)));
        }
    }

    #[test]
    #[should_panic(expected = "item 7")]
    fn a_panic_reaches_the_caller() {
        map(0..100usize, |i| assert!(i != 7, "item {i}"));
    }
}
