//! How alike are pictures? By the cosine of the angle between their embeddings.
//!
//! In: paths of pictures, the first of which the others are compared with. Out: a line each.

use std::error::Error;
use std::ffi::OsStr;

use resnetc_runtime::{Session, preprocess};

include!(concat!(env!("OUT_DIR"), "/backbone.rs"));

fn main() -> Result<(), Box<dyn Error>> {
    let mut session = backbone::model()?.session(1)?;
    let mut paths = std::env::args_os().skip(1);
    let Some(first) = paths.next() else {
        return Err("name pictures: the first is compared with the others".into());
    };
    let reference = embedding(&mut session, &first)?;
    for path in paths {
        let likeness = cosine(&reference, &embedding(&mut session, &path)?);
        println!("{}: {likeness:.3}", path.display());
    }
    Ok(())
}

/// The `[64]` features of a picture.
fn embedding(session: &mut Session, path: &OsStr) -> Result<Vec<f32>, Box<dyn Error>> {
    let plan = &backbone::PLAN;
    let mut image = vec![0.0; plan.input.iter().product()];
    preprocess::load(&std::fs::read(path)?, &plan.preprocess, plan.input, &mut image)?;
    let outputs = session.run(&image)?;
    Ok(outputs.get("embedding").unwrap_or_default().to_vec())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ships_are_more_alike_than_a_ship_and_a_frog() {
        let mut session = backbone::model().unwrap().session(1).unwrap();
        let pictures = concat!(env!("CARGO_MANIFEST_DIR"), "/../cifar10/pictures/");
        let mut read = |name: &str| embedding(&mut session, format!("{pictures}{name}").as_ref()).unwrap();
        let (ship, other, frog) = (read("ship-1.jpg"), read("ship-2.jpg"), read("frog-1.jpg"));
        assert!(cosine(&ship, &other) > cosine(&ship, &frog) + 0.2);
    }

    #[test]
    fn a_named_stage_is_a_map_of_its_own() {
        let mut session = backbone::model().unwrap().session(1).unwrap();
        let image = vec![0.5; 3 * 32 * 32];
        let outputs = session.run(&image).unwrap();
        let map = outputs.get("c3").unwrap();
        assert_eq!(map.len(), 32 * 16 * 16);
        assert!(map.iter().any(|&v| v > 0.0) && map.iter().all(|&v| v >= 0.0), "behind a ReLU");
    }
}
