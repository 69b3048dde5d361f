//! The text of a program for an imported graph, and the values of its parameters.
//!
//! ```text
//! lif1: LIF(tau[8], …)     ->     layer lif1 = (fc1 + prev(back)) |> nir_lif(tau = 0.02, …)
//! ```

use std::fmt::Write;

use super::flow::Decoder;
use super::graph::{Value, find};
use super::import::{Imported, NEURONS, Op, Place};
use super::order::order;
use crate::check::{names, networks::layers, prelude};
use crate::diag::{Sink, interchange as say};
use crate::syntax::parse::scan::KEYWORDS;

/// What a graph leaves open.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Seconds.
    pub dt: f64,
    pub steps: u32,
    pub decoder: Option<Decoder>,
}

/// Coordinates of a domain, at the most: beyond, there is nothing to sample.
const MOST_COORDINATES: usize = 64;

pub fn write(places: &[Place], edges: &[(usize, usize)], name: &str, timing: Timing, sink: &mut Sink) -> Imported {
    let starts: Vec<usize> = (0..places.len()).filter(|k| matches!(places[*k].op, Op::Input)).collect();
    let holds: Vec<bool> = places.iter().map(|p| matches!(p.op, Op::Neuron { .. })).collect();
    let (sorted, delayed) = order(edges, &starts, &holds);
    let mut w = Writer {
        places,
        edges,
        delayed,
        timing,
        names: free_names(places),
        neurons: vec![],
        layers: String::new(),
        weights: vec![],
        coords: vec![],
        sink,
    };
    let mut outputs = vec![];
    for k in sorted {
        match places[k].op {
            Op::Output => outputs.push(k),
            _ => w.layer(k),
        }
    }
    outputs.sort_unstable();
    let outputs: Vec<Out> = outputs.into_iter().map(|k| w.output(k)).collect();
    w.finish(name, &outputs)
}

/// What stands at the end: the expression, and the names of its fields.
struct Out {
    value: String,
    fields: Vec<String>,
}

struct Writer<'a> {
    places: &'a [Place],
    edges: &'a [(usize, usize)],
    delayed: Vec<bool>,
    timing: Timing,
    names: Vec<String>,
    /// The declarations so far: what makes them different, their names, and their texts.
    neurons: Vec<(NeuronKey, String, String)>,
    layers: String,
    weights: Vec<(String, Vec<f64>)>,
    /// Name, ends.
    coords: Vec<(String, f64, f64)>,
    sink: &'a mut Sink,
}

/// Kind, which parameters differ from unit to unit, whether its reset subtracts, and how it is stepped.
type NeuronKey = (usize, Vec<bool>, bool, Option<&'static str>);

/// A name that a program may give to a layer.
fn is_free(name: &str) -> bool {
    let reserved = names::reserved(name).is_some() || layers::is_layer(name) || prelude::has(name);
    !reserved && !KEYWORDS.contains(&name)
}

/// An identifier like `text`.
fn identifier(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let plain = plain.trim_matches('_').to_string();
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) && is_free(&plain) { plain } else { format!("n_{plain}") }
}

fn free_names(places: &[Place]) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for place in places {
        let like = identifier(&place.name);
        let mut free = like.clone();
        let mut n = 2;
        while names.contains(&free) {
            free = format!("{like}_{n}");
            n += 1;
        }
        names.push(free);
    }
    names
}

impl Writer<'_> {
    /// The sum of what comes into a node, the value of the step before where a loop closes.
    fn input(&self, k: usize) -> (String, usize) {
        let into = self.edges.iter().zip(&self.delayed).filter(|(e, _)| e.1 == k);
        let parts: Vec<String> = into
            .map(|((from, _), late)| {
                let name = &self.names[*from];
                if *late { format!("prev({name})") } else { name.clone() }
            })
            .collect();
        match &parts[..] {
            [one] => (one.clone(), 1),
            _ => (format!("({})", parts.join(" + ")), parts.len()),
        }
    }

    fn layer(&mut self, k: usize) {
        let place = &self.places[k];
        let name = self.names[k].clone();
        let (input, _) = self.input(k);
        let value = match &place.op {
            Op::Input => self.coordinates(k),
            Op::Output => return,
            Op::Pass => input,
            Op::Dense { .. } => {
                let dense = self.dense(k, &format!("{name}.dense"));
                format!("{input} |> {dense}")
            }
            Op::Scale(scale) => {
                self.weights.push((format!("{name}.affine.gain"), scale.clone()));
                self.weights.push((format!("{name}.affine.bias"), vec![0.0; scale.len()]));
                format!("{input} |> affine(frozen)")
            }
            Op::Delay(delay) => {
                let steps = (delay[0] / self.timing.dt).round();
                let whole = delay.iter().all(|d| (d / self.timing.dt - steps).abs() < 1e-3);
                if !whole || !(0.0..=65_536.0).contains(&steps) {
                    self.sink.push(say::delay(place.span, self.timing.dt));
                }
                match steps as u64 {
                    0 => input,
                    n => {
                        // A sum has no earlier values of its own.
                        let _ = writeln!(self.layers, "  layer {name}_now = {input}");
                        format!("delay({name}_now, {n})")
                    }
                }
            }
            Op::Neuron { .. } => format!("{input} |> {}", self.neuron(k)),
        };
        let _ = writeln!(self.layers, "  layer {name} = {value}");
    }

    /// `dense(n)`, its weights put down.
    fn dense(&mut self, k: usize, path: &str) -> String {
        let Op::Dense { inputs, weight, bias } = &self.places[k].op else { return String::new() };
        let outputs = self.places[k].width;
        let turned = (0..*inputs).flat_map(|i| (0..outputs).map(move |o| weight[o * inputs + i])).collect();
        self.weights.push((format!("{path}.weight"), turned));
        match bias {
            Some(bias) => {
                self.weights.push((format!("{path}.bias"), bias.clone()));
                format!("dense({outputs})")
            }
            None => format!("dense({outputs}, bias = none)"),
        }
    }

    /// The coordinates that come in at an input, as a current.
    fn coordinates(&mut self, k: usize) -> String {
        let place = &self.places[k];
        let told = match find(&place.metadata, "coordinates") {
            Some(Value::Text(text)) => told_coordinates(text).filter(|c| c.len() == place.width),
            _ => None,
        };
        let taken = |name: &String, w: &Writer<'_>| {
            w.names.contains(name) || w.coords.iter().any(|(n, ..)| n == name) || !is_free(name)
        };
        let mut mine = vec![];
        for i in 0..place.width {
            let (mut name, lo, hi) = match &told {
                Some(coords) => coords[i].clone(),
                None => (format!("x{}", self.coords.len() + 1), -1.0, 1.0),
            };
            while taken(&name, self) {
                name.push('_');
            }
            mine.push(name.clone());
            self.coords.push((name, lo, hi));
        }
        if self.coords.len() > MOST_COORDINATES {
            self.sink.push(say::too_many_inputs(place.span, self.coords.len(), MOST_COORDINATES));
        }
        format!("raw({}) |> current", mine.join(", "))
    }

    /// A call of the neuron, which is declared unless one like it is already.
    fn neuron(&mut self, k: usize) -> String {
        let Op::Neuron { kind, params, subtract, method } = &self.places[k].op else { return String::new() };
        let known = NEURONS[*kind].1;
        let differ: Vec<bool> = params.iter().map(|p| p.iter().any(|x| *x != p[0])).collect();
        let key = (*kind, differ.clone(), *subtract, *method);
        let name = match self.neurons.iter().find(|(other, ..)| *other == key) {
            Some((_, name, _)) => name.clone(),
            None => {
                let stem = format!("nir_{}", NEURONS[*kind].0.to_lowercase());
                let like = self.neurons.iter().filter(|(other, ..)| other.0 == *kind).count();
                let name = if like == 0 { stem } else { format!("{stem}_{}", like + 1) };
                let text = declaration(&name, &key, params);
                self.neurons.push((key, name.clone(), text));
                name
            }
        };
        let mut arguments = vec![];
        for (((param, _), values), differs) in known.iter().zip(params).zip(&differ) {
            match differs {
                false => arguments.push(format!("{param} = {}", number(values[0]))),
                true => self.weights.push((format!("{}.{name}.{param}", self.names[k]), values.clone())),
            }
        }
        format!("{name}({})", arguments.join(", "))
    }

    fn output(&mut self, k: usize) -> Out {
        let place = &self.places[k];
        let decoder = self.timing.decoder.unwrap_or_else(|| match find(&place.metadata, "decoder") {
            Some(Value::Text(t)) if t == "last" => Decoder::Last,
            Some(Value::Text(t)) if t == "sum" => Decoder::Sum,
            _ => Decoder::Mean,
        });
        let told: Vec<String> = match find(&place.metadata, "fields") {
            Some(Value::Text(text)) => text.split(", ").map(identifier).collect(),
            _ => vec![],
        };
        let stem = if self.places.iter().filter(|p| matches!(p.op, Op::Output)).count() == 1 {
            "u".to_string()
        } else {
            identifier(&place.name)
        };
        let fields = match told.len() == place.width {
            true => told,
            false if place.width == 1 => vec![stem],
            false => (1..=place.width).map(|i| format!("{stem}{i}")).collect(),
        };
        let (input, terms) = self.input(k);
        // Behind a mean or a last value a dense layer says the same, and its weights can be solved for.
        let last = self.edges.iter().find(|e| e.1 == k).map_or(k, |e| e.0);
        let alone = self.edges.iter().filter(|e| e.0 == last).count() == 1;
        if matches!(self.places[last].op, Op::Dense { .. }) && terms == 1 && alone && decoder != Decoder::Sum {
            let path = format!("{}.dense", self.names[last]);
            let dense = match &self.places[last].op {
                Op::Dense { bias: None, .. } => format!("dense({}, bias = none)", self.places[last].width),
                _ => format!("dense({})", self.places[last].width),
            };
            let line = format!("  layer {} = {} |> {dense}\n", self.names[last], self.input(last).0);
            let moved =
                format!("  layer {} = {} |> {} |> {dense}\n", self.names[last], self.input(last).0, decoder.name());
            if self.layers.contains(&line) && self.weights.iter().any(|(n, _)| n.starts_with(&path)) {
                self.layers = self.layers.replace(&line, &moved);
                return Out { value: input, fields };
            }
        }
        Out { value: format!("({input} |> {})", decoder.name()), fields }
    }

    fn finish(self, name: &str, outputs: &[Out]) -> Imported {
        let mut text = format!("# {name}, a NIR graph. Its weights stand in the file beside this one.\n\ndomain {{\n");
        for (name, lo, hi) in &self.coords {
            let _ = writeln!(text, "  {name} in {} .. {}", number(*lo), number(*hi));
        }
        text.push_str("}\n\n");
        for (_, _, declaration) in &self.neurons {
            let _ = writeln!(text, "{declaration}");
        }
        let mut fields: Vec<String> = vec![];
        for field in outputs.iter().flat_map(|o| &o.fields) {
            let mut free = field.clone();
            while fields.contains(&free) || self.names.contains(&free) || self.coords.iter().any(|c| c.0 == free) {
                free.push('_');
            }
            fields.push(free);
        }
        let coords: Vec<&str> = self.coords.iter().map(|c| c.0.as_str()).collect();
        let network = if fields.len() == 1 { fields[0].clone() } else { "net".to_string() };
        let values: Vec<&str> = outputs.iter().map(|o| o.value.as_str()).collect();
        let value = if values.len() == 1 { values[0].to_string() } else { format!("({})", values.join(", ")) };
        let value = value
            .strip_prefix('(')
            .and_then(|v| v.strip_suffix(')'))
            .filter(|_| values.len() == 1 && !value.contains("|> ("))
            .map_or(value.clone(), str::to_string);
        let names = if fields.len() == 1 { String::new() } else { format!(" {}", fields.join(", ")) };
        let _ = write!(
            text,
            "network {network}({}) {{\n  steps {}\n  dt {}\n{}  output{names} = {value}\n}}\n\n",
            coords.join(", "),
            self.timing.steps,
            number(self.timing.dt),
            self.layers,
        );
        text.push_str("# What the network is for is not in the graph: put your equation, conditions or data here.\n");
        for field in &fields {
            let _ = writeln!(text, "residual task_{field} on domain : {field} = 0");
        }
        Imported { text, weights: self.weights }
    }
}

/// `x in 0 .. 1, t in 0 .. 2`, as an export writes it.
fn told_coordinates(text: &str) -> Option<Vec<(String, f64, f64)>> {
    let one = |part: &str| {
        let (name, ends) = part.split_once(" in ")?;
        let (lo, hi) = ends.split_once(" .. ")?;
        let (lo, hi): (f64, f64) = (lo.trim().parse().ok()?, hi.trim().parse().ok()?);
        let name = identifier(name.trim());
        (lo < hi && hi.is_finite() && lo.is_finite()).then_some((name, lo, hi))
    };
    text.split(", ").map(one).collect()
}

/// A number as a program writes it.
fn number(x: f64) -> String {
    let plain = format!("{x}");
    if plain.len() > 18 { format!("{x:e}") } else { plain }
}

fn declaration(name: &str, (kind, differ, subtract, method): &NeuronKey, params: &[Vec<f64>]) -> String {
    let (nir, known) = NEURONS[*kind];
    let header: Vec<String> = known
        .iter()
        .zip(differ)
        .zip(params)
        .map(|(((param, _), differs), values)| {
            let each = if *differs { " trainable per neuron" } else { "" };
            format!("{param} = {}{each}", number(values[0]))
        })
        .collect();
    let reset = if *subtract { "v -= v_threshold" } else { "v = v_reset" };
    let spike = format!("  spike when v > v_threshold  surrogate triangle(width = 1)\n  reset {reset}\n");
    let method = method.map_or(String::new(), |m| format!("  integrate {m}\n"));
    let leak = "  flow v' = (v_leak - v + r*i) / tau\n";
    let current = "  flow v' = (v_leak - v + r*s) / tau_mem\n  flow s' = (w_in*i - s) / tau_syn\n";
    let body = match nir {
        "LIF" => format!("  state v = 0\n{leak}{method}{spike}"),
        "LI" => format!("  state v = 0\n{leak}{method}"),
        "CubaLIF" => format!("  state v = 0, s = 0\n{current}{method}{spike}"),
        "CubaLI" => format!("  state v = 0, s = 0\n{current}{method}"),
        "IF" => format!("  state v = 0\n  flow v' = r*i\n{spike}"),
        "I" => "  state v = 0\n  flow v' = r*i\n".to_string(),
        _ => "  state v = 0\n  update v := i\n  spike when v > threshold  surrogate triangle(width = 1)\n".to_string(),
    };
    format!("neuron {name}({}) {{\n  input i\n{body}}}\n", header.join(", "))
}
