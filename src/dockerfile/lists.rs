//! Lists that grow while stages stand on each other: who starts from a stage shares what it has, and copies nothing of it.

use std::ops::Deref;
use std::sync::Arc;

/// A list without bounds. What stands in it when it is sealed is shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Grown<T> {
    below: Option<Arc<Layer<T>>>,
    own: Vec<T>,
}

/// What a list had when it was sealed, on what it had when it was sealed before.
#[derive(Debug)]
struct Layer<T> {
    below: Option<Arc<Self>>,
    own: Vec<T>,
    /// How many there are with those below.
    len: usize,
}

impl<T> Default for Grown<T> {
    fn default() -> Self {
        Self {
            below: None,
            own: Vec::new(),
        }
    }
}

impl<T> Grown<T> {
    pub(super) fn len(&self) -> usize {
        self.below.as_ref().map_or(0, |below| below.len) + self.own.len()
    }

    pub(super) fn push(&mut self, one: T) {
        self.own.push(one);
    }

    /// Makes clones cheap: what is added from now on stands apart.
    pub(super) fn seal(&mut self) {
        if self.own.is_empty() {
            return;
        }
        let len = self.len();
        let (below, own) = (self.below.take(), std::mem::take(&mut self.own));
        self.below = Some(Arc::new(Layer { below, own, len }));
    }

    /// All of them, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        let mut layers = vec![self.own.as_slice()];
        let mut next = self.below.as_deref();
        while let Some(layer) = next {
            layers.push(&layer.own);
            next = layer.below.as_deref();
        }
        layers.into_iter().rev().flatten()
    }
}

impl<T: Clone> Grown<T> {
    /// Drops those that are not to be kept. Where all are, nothing is copied.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        if self.iter().all(&keep) {
            return;
        }
        let kept = self.iter().filter(|one| keep(one)).cloned().collect();
        *self = Self {
            below: None,
            own: kept,
        };
    }

    /// The last ones, as far back as they are wanted.
    pub(super) fn newest(&self, wanted: impl Fn(&T) -> bool) -> Self {
        let (mut kept, mut items) = (Vec::new(), self.own.as_slice());
        let mut next = self.below.as_deref();
        loop {
            let own = items.iter().rev();
            let before = kept.len();
            kept.extend(own.take_while(|one| wanted(one)).cloned());
            let Some(layer) = next.filter(|_| kept.len() - before == items.len()) else {
                break;
            };
            (items, next) = (&layer.own, layer.below.as_deref());
        }
        kept.into_iter().rev().collect()
    }

    /// Drops what was added behind the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        let below = self.len() - self.own.len();
        if let Some(own) = len.checked_sub(below) {
            self.own.truncate(own);
        } else {
            let kept = self.iter().take(len).cloned().collect();
            *self = Self {
                below: None,
                own: kept,
            };
        }
    }
}

impl<T> Extend<T> for Grown<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        self.own.extend(more);
    }
}

impl<T> FromIterator<T> for Grown<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Self {
            below: None,
            own: all.into_iter().collect(),
        }
    }
}

/// Thousands of layers are freed one by one: each in the other's call, they would overflow the stack.
impl<T> Drop for Layer<T> {
    fn drop(&mut self) {
        let mut next = self.below.take();
        while let Some(mut layer) = next.and_then(Arc::into_inner) {
            next = layer.below.take();
        }
    }
}

/// A short list: its clones share it until one of them changes.
#[derive(Clone, Debug)]
pub(super) struct Shared<T>(Arc<Vec<T>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Clone> Shared<T> {
    pub(super) fn push(&mut self, one: T) {
        Arc::make_mut(&mut self.0).push(one);
    }

    /// Drops those that are not to be kept. Where all are, nothing is copied.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        if !self.iter().all(&keep) {
            Arc::make_mut(&mut self.0).retain(keep);
        }
    }

    /// Puts another in the place of one.
    pub(super) fn replace(&mut self, at: usize, other: T) {
        if let Some(one) = Arc::make_mut(&mut self.0).get_mut(at) {
            *one = other;
        }
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(all: Vec<T>) -> Self {
        Self(Arc::new(all))
    }
}

#[cfg(test)]
mod tests {
    use super::Grown;

    fn all(list: &Grown<usize>) -> Vec<usize> {
        list.iter().copied().collect()
    }

    #[test]
    fn who_starts_from_a_list_shares_it_and_adds_to_its_own() {
        let mut below = Grown::from_iter([1, 2]);
        below.seal();
        let mut list = below.clone();
        list.push(3);
        list.seal();
        list.extend([4, 5]);
        assert_eq!(all(&list), [1, 2, 3, 4, 5]);
        assert_eq!(list.iter().next_back(), Some(&5));
        assert_eq!(all(&list.newest(|one| *one > 2)), [3, 4, 5]);
        list.truncate(4);
        assert_eq!((all(&list), list.len()), (vec![1, 2, 3, 4], 4));
        list.retain(|one| one % 2 == 0);
        assert_eq!((all(&list), list.len()), (vec![2, 4], 2));
        list.truncate(1);
        assert_eq!((all(&list), all(&below)), (vec![2], vec![1, 2]));
    }

    #[test]
    fn as_many_layers_as_there_are_stages_are_freed() {
        let mut list = Grown::default();
        for one in 0..200_000 {
            list.push(one);
            list.seal();
        }
        assert_eq!(list.len(), 200_000);
    }
}
