//! Figures as SVG text: heat maps, curves and spike rasters, each complete in itself.
//!
//! Colours of text, axes and grid lines are CSS variables with fallbacks, so that a figure follows the page's light or dark
//! theme and still prints alone. Names that come from a program are escaped.

use std::fmt::Write;

use base64::Engine as _;

use super::scale::{Scale, short};
use crate::source::is_unsafe;

const INK: &str = "var(--ink, #1d2733)";
const FAINT: &str = "var(--faint, #8a94a3)";
const GRID: &str = "var(--grid, #e3e7ec)";
/// Colours that stay apart for colour-blind readers: Okabe and Ito.
pub const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// Text made safe inside SVG and HTML. Characters that a terminal or browser would obey, other than newline and tab, are shown as `\u{FFFD}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if is_unsafe(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// The drawing area of a figure and its axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// Where maps, curves and rasters are drawn in their figures.
pub const MAP: Frame = Frame { x: 62.0, y: 30.0, w: 270.0, h: 270.0 };
pub const CHART: Frame = Frame { x: 66.0, y: 30.0, w: 560.0, h: 240.0 };
pub const RASTER: Frame = Frame { x: 66.0, y: 90.0, w: 560.0, h: 250.0 };
/// The rates above a raster.
const RATES: Frame = Frame { x: 66.0, y: 30.0, w: 560.0, h: 48.0 };

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\"><title>{0}</title>\
         <text x=\"{1}\" y=\"18\" text-anchor=\"middle\" font-size=\"14\" font-weight=\"600\" fill=\"{INK}\">{0}</text>",
        escape(title),
        width / 2.0,
    )
}

impl Frame {
    fn bottom(&self) -> f64 {
        self.y + self.h
    }

    fn axis_x(&self, out: &mut String, scale: &Scale, label: &str, grid: bool) {
        for t in scale.ticks(5) {
            let x = self.x + self.w * scale.place(t);
            let _ = write!(
                out,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{}\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{INK}\">{}</text>",
                if grid { self.y } else { self.bottom() },
                self.bottom() + 4.0,
                if grid { GRID } else { FAINT },
                self.bottom() + 17.0,
                short(t),
            );
        }
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{INK}\">{}</text>",
            self.x + self.w / 2.0,
            self.bottom() + 34.0,
            escape(label),
        );
    }

    fn axis_y(&self, out: &mut String, scale: &Scale, label: &str, grid: bool) {
        for t in scale.ticks(5) {
            let y = self.bottom() - self.h * scale.place(t);
            let _ = write!(
                out,
                "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{INK}\">{}</text>",
                self.x - 4.0,
                if grid { self.x + self.w } else { self.x },
                if grid { GRID } else { FAINT },
                self.x - 7.0,
                y + 4.0,
                short(t),
            );
        }
        let (x, y) = (self.x - 44.0, self.y + self.h / 2.0);
        let _ = write!(
            out,
            "<text class=\"side\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"{INK}\">{}</text>",
            escape(label),
        );
    }

    fn border(&self, out: &mut String) {
        let _ = write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{FAINT}\"/>",
            self.x, self.y, self.w, self.h
        );
    }
}

/// The colours of a heat map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Palette {
    /// Low to high.
    Sequential,
    /// Around zero.
    Diverging,
}

/// What a heat map's colours mean: maps that are to be compared share one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    pub lo: f64,
    pub hi: f64,
    pub palette: Palette,
}

impl ColourScale {
    /// Covers the values: around zero if they lie on both sides of it.
    pub fn covering<'a>(values: impl Iterator<Item = &'a f64>) -> ColourScale {
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter(|v| v.is_finite()) {
            lo = lo.min(*v);
            hi = hi.max(*v);
        }
        if lo > hi {
            (lo, hi) = (0.0, 1.0);
        }
        if lo < -0.05 * hi.abs() && hi > 0.05 * lo.abs() {
            let m = hi.max(-lo);
            return ColourScale { lo: -m, hi: m, palette: Palette::Diverging };
        }
        ColourScale { lo, hi: if hi > lo { hi } else { lo + 1.0 }, palette: Palette::Sequential }
    }

    pub fn colour(&self, v: f64) -> [u8; 3] {
        if !v.is_finite() {
            return [128, 128, 128];
        }
        let p = ((v - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0);
        let c = match self.palette {
            Palette::Sequential => colorous::VIRIDIS.eval_continuous(p),
            Palette::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - p),
        };
        [c.r, c.g, c.b]
    }
}

/// A field over two coordinates; `values[i * ys + j]` belongs to x-point i and y-point j of evenly spaced points.
pub struct HeatMap<'a> {
    pub title: &'a str,
    pub x: (&'a str, f64, f64),
    pub y: (&'a str, f64, f64),
    pub xs: usize,
    pub ys: usize,
    pub values: &'a [f64],
    pub colours: ColourScale,
}

impl HeatMap<'_> {
    pub fn draw(&self) -> String {
        let f = MAP;
        let mut out = open(420.0, 346.0, self.title);
        let _ = write!(
            out,
            "<image class=\"map\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
            f.x,
            f.y,
            f.w,
            f.h,
            self.png(),
        );
        f.border(&mut out);
        f.axis_x(&mut out, &Scale::linear(self.x.1, self.x.2), self.x.0, false);
        f.axis_y(&mut out, &Scale::linear(self.y.1, self.y.2), self.y.0, false);
        self.colour_bar(&mut out, &f);
        out.push_str("</svg>");
        out
    }

    fn png(&self) -> String {
        let mut pixels = Vec::with_capacity(self.xs * self.ys * 4);
        for j in (0..self.ys).rev() {
            for i in 0..self.xs {
                let value = self.values[i * self.ys + j];
                pixels.extend(self.colours.colour(value));
                // Where there is no value, the page shows through.
                pixels.push(if value.is_nan() { 0 } else { 255 });
            }
        }
        encode_png(self.xs, self.ys, png::ColorType::Rgba, &pixels)
    }

    fn colour_bar(&self, out: &mut String, f: &Frame) {
        let bar = Frame { x: f.x + f.w + 14.0, y: f.y, w: 14.0, h: f.h };
        let pixels: Vec<u8> = (0..128)
            .flat_map(|i| {
                let p = 1.0 - (i as f64 + 0.5) / 128.0;
                self.colours.colour(self.colours.lo + p * (self.colours.hi - self.colours.lo))
            })
            .collect();
        let _ = write!(
            out,
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{}\"/>",
            bar.x,
            bar.y,
            bar.w,
            bar.h,
            encode_png(1, 128, png::ColorType::Rgb, &pixels)
        );
        bar.border(out);
        let scale = Scale::linear(self.colours.lo, self.colours.hi);
        for t in scale.ticks(6) {
            let y = bar.bottom() - bar.h * scale.place(t);
            let _ =
                write!(out, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{INK}\">{}</text>", bar.x + 19.0, y + 4.0, short(t));
        }
    }
}

/// An image as base64 text. Writing into memory cannot fail; should it, the picture is empty.
fn encode_png(width: usize, height: usize, colours: png::ColorType, pixels: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colours);
    encoder.set_depth(png::BitDepth::Eight);
    if let Ok(mut writer) = encoder.write_header() {
        let _ = writer.write_image_data(pixels);
    }
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// One curve of a [`Chart`].
pub struct Curve<'a> {
    pub name: &'a str,
    pub points: Vec<(f64, f64)>,
    pub dashed: bool,
}

/// Curves over a common axis.
pub struct Chart<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub log_y: bool,
    pub curves: Vec<Curve<'a>>,
    /// Vertical marks with a word each: where a phase begins.
    pub marks: Vec<(f64, &'a str)>,
    /// Values that the vertical axis covers as well.
    pub also: &'a [f64],
}

impl Chart<'_> {
    pub fn scale_x(&self) -> Scale {
        let xs = self.curves.iter().flat_map(|c| c.points.iter().map(|p| p.0));
        let (lo, hi) = xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        Scale::linear(lo, hi)
    }

    pub fn scale_y(&self) -> Scale {
        let ys = self.curves.iter().flat_map(|c| c.points.iter().map(|p| p.1)).chain(self.also.iter().copied());
        if self.log_y { Scale::log_covering(ys) } else { Scale::covering(ys) }
    }

    pub fn draw(&self) -> String {
        let f = CHART;
        let mut out = open(650.0, 316.0, self.title);
        let (sx, sy) = (self.scale_x(), self.scale_y());
        f.axis_x(&mut out, &sx, self.x, true);
        f.axis_y(&mut out, &sy, self.y, true);
        for (k, (at, word)) in self.marks.iter().enumerate() {
            let x = f.x + f.w * sx.place(*at);
            let _ = write!(
                out,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"{FAINT}\" stroke-dasharray=\"2 3\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{FAINT}\" font-size=\"11\">{}</text>",
                f.y,
                f.bottom(),
                x + 4.0,
                f.bottom() - 6.0 - 12.0 * (k % 2) as f64,
                escape(word)
            );
        }
        for (c, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let mut path = String::new();
            let mut pen_up = true;
            for (x, y) in &c.points {
                if !(x.is_finite() && y.is_finite()) || (self.log_y && *y <= 0.0) {
                    pen_up = true;
                    continue;
                }
                let (px, py) = (f.x + f.w * sx.place(*x), f.bottom() - f.h * sy.place(*y));
                let _ = write!(path, "{}{px:.1} {py:.1}", if pen_up { 'M' } else { 'L' });
                pen_up = false;
            }
            let _ = write!(
                out,
                "<path class=\"curve\" d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\"{}/>",
                if c.dashed { " stroke-dasharray=\"6 4\"" } else { "" }
            );
            // A phase of a single step still shows.
            if let [(x, y)] = c.points[..] {
                let _ = write!(
                    out,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                    f.x + f.w * sx.place(x),
                    f.bottom() - f.h * sy.place(y)
                );
            }
        }
        f.border(&mut out);
        for (k, (c, colour)) in self.curves.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let y = f.y + 16.0 + 17.0 * k as f64;
            let x = f.x + f.w - 12.0;
            let _ = write!(
                out,
                "<line x1=\"{:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{}/>\
                 <text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"{INK}\">{}</text>",
                x - 26.0,
                y - 4.0,
                y - 4.0,
                if c.dashed { " stroke-dasharray=\"6 4\"" } else { "" },
                x - 32.0,
                escape(c.name)
            );
        }
        out.push_str("</svg>");
        out
    }
}

/// Spikes of a population over time, one tick a spike, and above them how many there are.
pub struct RasterPlot<'a> {
    pub title: &'a str,
    pub units: usize,
    pub steps: usize,
    pub dt: f64,
    /// Label of the axis: `time`, `time (ms)`.
    pub time: &'a str,
    /// (step, unit)
    pub spikes: &'a [(u32, u32)],
    /// Only the spikes of every so manieth unit are there.
    pub every: u32,
}

/// Bins of the rates above a raster, at the most.
const BINS: usize = 140;

impl RasterPlot<'_> {
    /// Spikes a unit and step, in bins of so many steps each.
    pub fn rates(&self) -> (Vec<f64>, usize) {
        let width = self.steps.div_ceil(BINS).max(1);
        let mut counts = vec![0.0; self.steps.div_ceil(width)];
        for (step, _) in self.spikes {
            if let Some(bin) = counts.get_mut(*step as usize / width) {
                *bin += 1.0;
            }
        }
        let units = (self.units as f64 / f64::from(self.every.max(1))).max(1.0);
        let steps_of = |bin: usize| (self.steps - bin * width).min(width) as f64;
        (counts.iter().enumerate().map(|(k, c)| c / (units * steps_of(k))).collect(), width)
    }

    /// The rates as steps over a filled area.
    fn draw_rates(&self, out: &mut String) {
        let (rates, width) = self.rates();
        let most = rates.iter().fold(0.0f64, |m, r| m.max(*r));
        let sy = Scale::linear(0.0, if most > 0.0 { most } else { 1.0 });
        let mut path = format!("M{:.1} {:.1}", RATES.x, RATES.bottom());
        for (k, rate) in rates.iter().enumerate() {
            let right = ((k + 1) * width).min(self.steps) as f64 / self.steps.max(1) as f64;
            let _ = write!(path, "V{:.1}H{:.1}", RATES.bottom() - RATES.h * sy.place(*rate), RATES.x + RATES.w * right);
        }
        let _ = write!(out, "<path d=\"{path}V{:.1}Z\" fill=\"{}\" opacity=\"0.75\"/>", RATES.bottom(), COLOURS[0]);
        for at in [0.0, sy.ends().1] {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{INK}\">{}</text>",
                RATES.x - 7.0,
                RATES.bottom() - RATES.h * sy.place(at) + 4.0,
                short(at)
            );
        }
        let (x, y) = (RATES.x - 44.0, RATES.y + RATES.h / 2.0);
        let _ = write!(
            out,
            "<text class=\"side\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"{INK}\">rate</text>"
        );
    }

    pub fn draw(&self) -> String {
        let f = RASTER;
        let mut out = open(650.0, 386.0, self.title);
        self.draw_rates(&mut out);
        let sx = Scale::linear(0.0, self.steps as f64 * self.dt);
        let sy = Scale::linear(0.0, self.units as f64);
        f.axis_x(&mut out, &sx, self.time, false);
        f.axis_y(&mut out, &sy, "neuron", false);
        let (dx, dy) = (f.w / self.steps.max(1) as f64, f.h / self.units.max(1) as f64);
        let mut path = String::new();
        for (step, unit) in self.spikes {
            let (x, y) = (f.x + (*step as f64 + 0.15) * dx, f.bottom() - (*unit as f64 + 0.5) * dy);
            // However many steps there are, a spike can be seen.
            let _ = write!(path, "M{x:.1} {y:.1}h{:.1}", (dx * 0.7).max(1.2));
        }
        let _ = write!(
            out,
            "<path d=\"{path}\" stroke=\"{INK}\" stroke-width=\"{:.2}\" fill=\"none\"/>",
            (dy * 0.8).clamp(0.45, 10.0)
        );
        f.border(&mut out);
        out.push_str("</svg>");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(escape("<b a='x'>&\u{1b}[0m"), "&lt;b a=&#39;x&#39;&gt;&amp;\u{FFFD}[0m");
    }

    #[test]
    fn figures_survive_odd_values() {
        let chart = Chart {
            title: "loss",
            x: "step",
            y: "loss",
            log_y: true,
            curves: vec![Curve { name: "loss", points: vec![(0.0, f64::NAN), (1.0, 0.0), (2.0, 1e-3)], dashed: false }],
            marks: vec![],
            also: &[],
        };
        let svg = chart.draw();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let map = HeatMap {
            title: "u",
            x: ("x", 0.0, 1.0),
            y: ("t", 0.0, 1.0),
            xs: 2,
            ys: 1,
            values: &[f64::NAN, 1.0],
            colours: ColourScale::covering([f64::NAN].iter()),
        };
        assert!(map.draw().ends_with("</svg>"));
    }

    #[test]
    fn colours_are_shared_around_zero() {
        let c = ColourScale::covering([-1.0, 0.5].iter());
        assert_eq!((c.lo, c.hi, c.palette), (-1.0, 1.0, Palette::Diverging));
        let c = ColourScale::covering([0.0, 0.5].iter());
        assert_eq!((c.lo, c.hi, c.palette), (0.0, 0.5, Palette::Sequential));
    }
}
