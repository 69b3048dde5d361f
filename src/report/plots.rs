//! The figures as files: SVG that stands alone, and PNG drawn from it.
//!
//! ```text
//! plots/loss.svg  plots/loss.png  plots/u.svg  plots/u.png  …
//! ```
//!
//! Text is drawn with a font of our own (a part of DejaVu Sans), so that a picture is the same on every machine.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::figures::Figure;

const FONT: &[u8] = include_bytes!("font/figures.ttf");
const FAMILY: &str = "DejaVu Sans";
/// Pixels for a unit of the figure.
const SCALE: f32 = 2.0;

/// Names below the run's folder, and bytes.
///
/// # Errors
/// If a figure cannot be drawn, which would be a bug; the sentence says which.
pub fn files(figures: &[Figure]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    // The figures ask for the system's own font, or any without serifs.
    fonts.set_sans_serif_family(FAMILY);
    let mut options = usvg::Options { font_family: FAMILY.into(), ..usvg::Options::default() };
    options.fontdb = Arc::new(fonts);
    let mut out = vec![];
    for f in figures {
        let svg = alone(&f.svg);
        let png = draw(&svg, &options).map_err(|e| format!("figure {}: {e}", f.name))?;
        out.push((format!("plots/{}.svg", f.name), svg.into_bytes()));
        out.push((format!("plots/{}.png", f.name), png));
    }
    Ok(out)
}

/// With the colours that the page's style would give, on white.
fn alone(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find("var(--") {
        out.push_str(&rest[..at]);
        let inner = &rest[at..];
        let (Some(comma), Some(close)) = (inner.find(','), inner.find(')')) else { break };
        out.push_str(inner[comma + 1..close].trim());
        rest = &inner[close + 1..];
    }
    out.push_str(rest);
    match out.find("<title>") {
        Some(at) => {
            out.insert_str(at, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
            out
        }
        None => out,
    }
}

fn draw(svg: &str, options: &usvg::Options<'_>) -> Result<Vec<u8>, String> {
    let tree = usvg::Tree::from_str(svg, options).map_err(|e| e.to_string())?;
    let size = tree.size();
    let (width, height) = ((size.width() * SCALE).ceil() as u32, (size.height() * SCALE).ceil() as u32);
    let mut pixels = tiny_skia::Pixmap::new(width, height).ok_or("it has no size")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::{Chart, Curve};

    #[test]
    fn a_figure_becomes_a_picture_with_text_and_curve() {
        let curves = vec![Curve { name: "loss", points: vec![(0.0, 1.0), (1.0, 2.0)], dashed: false }];
        let chart = Chart { title: "ψ → ∞", x: "step", y: "loss", log_y: false, curves, marks: vec![], also: &[] };
        let (svg, caption) = (chart.draw(), String::new());
        let data = serde_json::Value::Null;
        let figure = Figure { wide: true, name: "loss".into(), svg, linear: None, caption, data };
        let files = files(&[figure]).unwrap();
        let [(svg_name, svg), (png_name, png)] = &files[..] else { panic!("two files") };
        assert_eq!((svg_name.as_str(), png_name.as_str()), ("plots/loss.svg", "plots/loss.png"));
        assert!(!String::from_utf8_lossy(svg).contains("var("));
        let picture = tiny_skia::Pixmap::decode_png(png).unwrap();
        assert_eq!((picture.width(), picture.height()), (1300, 632));
        // The title's line holds ink, and somewhere there is the curve's blue.
        let dark = |y: u32| (0..1300).any(|x| picture.pixel(x, y).is_some_and(|p| p.red() < 100));
        assert!((10..40).any(dark), "no title");
        assert!(picture.pixels().iter().any(|p| (p.red(), p.green(), p.blue()) == (0, 0x72, 0xb2)));
    }
}
