//! Where the labels of points go: beside their points, over no other point or label, inside the picture.

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// A point with a label that is so wide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labelled {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
}

/// The height of a label.
const LINE: f64 = 13.0;
/// A point takes so much room to each side.
const RADIUS: f64 = 6.0;
/// How far from its point a label may be, the nearest place first.
const DISTANCES: [f64; 12] = [
    8.0, 13.0, 20.0, 28.0, 38.0, 50.0, 65.0, 85.0, 110.0, 140.0, 180.0, 230.0,
];
/// Beyond this a line leads from the point to its label.
pub(super) const NEAR: f64 = 14.0;
/// In so many directions, to the right first.
const DIRECTIONS: usize = 16;

impl Area {
    fn around(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_within(&self, other: &Self) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }

    /// Its point that is nearest to another.
    pub(super) fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        (
            x.clamp(self.left, self.right),
            y.clamp(self.top, self.bottom),
        )
    }
}

/// The places of labels, in the order of the points; `None` where there is no room for one.
pub(super) fn place(points: &[Labelled], picture: Area) -> Vec<Option<Area>> {
    let dots: Vec<Area> = points
        .iter()
        .map(|point| Area::around(point.x, point.y, 2.0 * RADIUS, 2.0 * RADIUS))
        .collect();
    let mut placed: Vec<Option<Area>> = Vec::new();
    for point in points {
        let is_free = |area: &Area| {
            area.is_within(&picture)
                && !dots.iter().any(|dot| dot.overlaps(area))
                && !placed.iter().flatten().any(|other| other.overlaps(area))
        };
        let found = places(*point).find(is_free);
        placed.push(found);
    }
    placed
}

/// The places for one label, the best first.
fn places(point: Labelled) -> impl Iterator<Item = Area> {
    DISTANCES.into_iter().flat_map(move |distance| {
        (0..DIRECTIONS).map(move |number| {
            let angle = number as f64 * std::f64::consts::TAU / DIRECTIONS as f64;
            // The label's edge, not its middle, is at the distance.
            let x = point.x + angle.cos() * (distance + point.width / 2.0);
            let y = point.y - angle.sin() * (distance + LINE / 2.0);
            Area::around(x, y, point.width, LINE)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::schedule::Random;

    const PICTURE: Area = Area {
        left: 70.0,
        top: 16.0,
        right: 840.0,
        bottom: 374.0,
    };

    fn check(points: &[Labelled], placed: &[Option<Area>]) {
        let areas: Vec<&Area> = placed.iter().flatten().collect();
        for (number, area) in areas.iter().enumerate() {
            assert!(area.is_within(&PICTURE), "{area:?}");
            assert!(!areas[..number].iter().any(|other| other.overlaps(area)));
            let covers = |point: &Labelled| area.nearest(point.x, point.y) == (point.x, point.y);
            assert!(!points.iter().any(covers));
        }
    }

    #[test]
    fn forty_points_in_a_heap_are_all_labelled() {
        let mut random = Random(5);
        let points: Vec<Labelled> = (0..40)
            .map(|number| Labelled {
                x: 300.0 + random.below(160) as f64,
                y: 120.0 + random.below(120) as f64,
                width: if number < 5 { 100.0 } else { 19.0 },
            })
            .collect();
        let placed = place(&points, PICTURE);
        assert!(placed.iter().all(Option::is_some));
        check(&points, &placed);
    }

    #[test]
    fn points_at_the_same_place_and_in_corners() {
        let at = |x, y| Labelled { x, y, width: 100.0 };
        let points = [
            at(500.0, 200.0),
            at(500.0, 200.0),
            at(840.0, 16.0),
            at(70.0, 374.0),
        ];
        let placed = place(&points, PICTURE);
        assert!(placed.iter().all(Option::is_some));
        check(&points, &placed);
        let alone = placed[0].unwrap();
        assert!(alone.left > 500.0, "to the right of it: {alone:?}");
    }

    #[test]
    fn what_has_no_room_has_no_label() {
        let point = Labelled {
            x: 100.0,
            y: 100.0,
            width: 5000.0,
        };
        assert_eq!(place(&[point], PICTURE), [None]);
    }
}
