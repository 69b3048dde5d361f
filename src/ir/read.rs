//! Reads the text form of programs; see [`print`](crate::ir::print) for what it looks like.
//!
//! It checks the form only, not the meaning: what it yields may still be refused by [`verify`](crate::ir::verify).
//!
//! ```text
//! %3 = add %1 %2 : 8        error: line 4: expected `,`, found `%2`
//! ```

use std::fmt::{self, Display, Formatter};

use crate::func::{Binary, Compare, Surrogate, SurrogateKind, Unary};
use crate::ir::op::{Elem, Op, ParamId, StateId, Ty, Value};
use crate::ir::program::{Input, Inst, Output, Param, Pass, Program, Region, State, Table};

/// Where the text stops being a program, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// From 1.
    pub line: usize,
    pub message: String,
}

impl Display for ReadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ReadError {}

/// Reads one program. Declarations may stand in any order, but a parameter comes before its uses.
pub fn read(text: &str) -> Result<Program, ReadError> {
    let mut program: Option<Program> = None;
    let mut inside: Option<Region> = None;
    let mut last = 0;
    for (k, source) in text.lines().enumerate() {
        last = k + 1;
        let at = |message: String| ReadError { line: k + 1, message };
        let tokens = tokens(source).map_err(at)?;
        if tokens.is_empty() {
            continue;
        }
        let mut line = Line { tokens: &tokens, next: 0 };
        let Some(p) = &mut program else {
            program = Some(line.header().map_err(at)?);
            continue;
        };
        match inside {
            Some(_) if tokens == [Token::Punct('}')] => inside = None,
            Some(region) => {
                let inst = line.inst(p).map_err(at)?;
                p.region_mut(region).push(inst);
            }
            None => inside = line.declaration(p).map_err(at)?,
        }
    }
    let end = |message: &str| ReadError { line: last.max(1), message: message.into() };
    if inside.is_some() {
        return Err(end("a region is not closed"));
    }
    program.ok_or_else(|| end("expected `program`, found nothing"))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A word or a number.
    Word(String),
    Text(String),
    Value(u32),
    Punct(char),
}

impl Display for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(w) => write!(f, "`{w}`"),
            Token::Text(t) => write!(f, "{t:?}"),
            Token::Value(v) => write!(f, "`%{v}`"),
            Token::Punct(c) => write!(f, "`{c}`"),
        }
    }
}

fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let mut out = vec![];
    let mut chars = line.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c == '#' {
            break;
        }
        if c.is_whitespace() {
            chars.next();
        } else if c == '"' {
            chars.next();
            out.push(Token::Text(text(&mut chars)?));
        } else if is_word(c) || c == '%' {
            chars.next();
            let mut word = String::from(c);
            while let Some(&d) = chars.peek().filter(|d| is_word(**d)) {
                word.push(d);
                chars.next();
            }
            out.push(match word.strip_prefix('%') {
                Some(n) => Token::Value(n.parse().map_err(|_| format!("`{word}` is not a value"))?),
                None => Token::Word(word),
            });
        } else if "{}[]:=,".contains(c) {
            chars.next();
            out.push(Token::Punct(c));
        } else {
            return Err(format!("unexpected `{c}`"));
        }
    }
    Ok(out)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.+-".contains(c)
}

/// The rest of a quoted name, its opening quote already read.
fn text(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let mut out = String::new();
    loop {
        match chars.next() {
            Some('"') => return Ok(out),
            Some('\\') => match chars.next() {
                Some(c @ ('"' | '\\')) => out.push(c),
                Some('u') => {
                    let code: String = chars.by_ref().skip_while(|c| *c == '{').take_while(|c| *c != '}').collect();
                    let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    out.push(code.ok_or("an escape is not a character")?);
                }
                _ => return Err("an escape is not a character".into()),
            },
            Some(c) => out.push(c),
            None => return Err("a name is not closed".into()),
        }
    }
}

struct Line<'a> {
    tokens: &'a [Token],
    next: usize,
}

type Read<T> = Result<T, String>;

impl Line<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, wanted: &str) -> Read<Token> {
        let t = self.peek().cloned().ok_or_else(|| format!("expected {wanted}, found the end of the line"))?;
        self.next += 1;
        Ok(t)
    }

    /// Takes the token if it is this word or sign.
    fn accept(&mut self, wanted: &str) -> bool {
        let found = match self.peek() {
            Some(Token::Word(w)) => w == wanted,
            Some(Token::Punct(c)) => wanted.len() == 1 && wanted.starts_with(*c),
            _ => false,
        };
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &str) -> Read<()> {
        if self.accept(wanted) {
            return Ok(());
        }
        let wanted = format!("`{wanted}`");
        Err(format!("expected {wanted}, found {}", self.take(&wanted)?))
    }

    fn end(&self) -> Read<()> {
        match self.peek() {
            None => Ok(()),
            Some(t) => Err(format!("expected the end of the line, found {t}")),
        }
    }

    fn word(&mut self, wanted: &str) -> Read<String> {
        match self.take(wanted)? {
            Token::Word(w) => Ok(w),
            t => Err(format!("expected {wanted}, found {t}")),
        }
    }

    fn name(&mut self) -> Read<String> {
        match self.take("a name")? {
            Token::Text(t) => Ok(t),
            t => Err(format!("expected a name, found {t}")),
        }
    }

    fn value(&mut self) -> Read<Value> {
        match self.take("a value")? {
            Token::Value(v) => Ok(Value(v)),
            t => Err(format!("expected a value, found {t}")),
        }
    }

    fn integer(&mut self) -> Read<u32> {
        let w = self.word("a whole number")?;
        w.parse().map_err(|_| format!("expected a whole number, found `{w}`"))
    }

    fn number(&mut self) -> Read<f64> {
        let w = self.word("a number")?;
        w.parse().map_err(|_| format!("expected a number, found `{w}`"))
    }

    fn ty(&mut self) -> Read<Ty> {
        let elem = if self.accept("mask") { Elem::Mask } else { Elem::Real };
        let tangent = self.accept("tangent");
        Ok(Ty { elem, width: self.integer()?, tangent })
    }

    fn header(&mut self) -> Read<Program> {
        self.expect("program")?;
        let mut p = Program::new(self.name()?);
        self.expect("steps")?;
        let mut steps = vec![self.integer()?];
        while self.accept(",") {
            steps.push(self.integer()?);
        }
        if steps != [0] {
            p.passes = steps.into_iter().map(Pass::new).collect();
        }
        self.expect("directions")?;
        p.directions = self.integer()?;
        self.end()?;
        Ok(p)
    }

    /// A line outside the regions; yields the region it opens, if it does.
    fn declaration(&mut self, p: &mut Program) -> Read<Option<Region>> {
        let word = self.word("a declaration")?;
        match word.as_str() {
            "input" => {
                let name = self.name()?;
                self.expect("[")?;
                p.inputs.push(Input { name, width: self.integer()? });
                self.expect("]")?;
            }
            "param" => {
                let name = self.name()?;
                self.expect("[")?;
                let rows = self.integer()?;
                self.expect("x")?;
                let cols = self.integer()?;
                self.expect("]")?;
                p.params.push(Param { name, rows, cols, trainable: self.accept("trainable") });
            }
            "table" => {
                let name = self.name()?;
                self.expect("[")?;
                let len = self.integer()?;
                self.expect("]")?;
                self.expect("=")?;
                let mut values = vec![];
                while self.peek().is_some() {
                    if !values.is_empty() {
                        self.expect(",")?;
                    }
                    values.push(self.number()?);
                }
                if values.len() != len as usize {
                    return Err(format!("expected {len} numbers, found {}", values.len()));
                }
                p.tables.push(Table { name, values });
            }
            "state" => {
                let k = self.integer()?;
                if k as usize != p.states.len() {
                    return Err(format!("expected state {}, found state {k}", p.states.len()));
                }
                let pass = if self.accept("pass") { self.integer()? } else { 0 };
                self.expect(":")?;
                let ty = self.ty()?;
                self.expect("=")?;
                let init = self.value()?;
                self.expect("next")?;
                p.states.push(State { pass, ty, init, next: self.value()? });
            }
            "output" | "trace" => {
                let name = self.name()?;
                self.expect("=")?;
                let out = Output { name, value: self.value()? };
                if word == "output" { p.outputs.push(out) } else { p.traces.push(out) }
            }
            "init" | "step" | "finish" => {
                let pass = match self.peek() {
                    Some(Token::Word(_)) if word != "init" => self.integer()?,
                    _ => 0,
                };
                let region = match word.as_str() {
                    "init" => Region::Init,
                    "step" => Region::Step(pass),
                    _ => Region::Finish(pass),
                };
                if !p.regions().contains(&region) {
                    return Err(format!("`{region}` belongs to no pass"));
                }
                if !p.region(region).is_empty() {
                    return Err(format!("a second `{region}`"));
                }
                self.expect("{")?;
                self.end()?;
                return Ok(Some(region));
            }
            _ => return Err(format!("expected a declaration, found `{word}`")),
        }
        self.end()?;
        Ok(None)
    }

    fn inst(&mut self, p: &Program) -> Read<Inst> {
        let value = self.value()?;
        self.expect("=")?;
        let op = self.op(p)?;
        self.expect(":")?;
        let ty = self.ty()?;
        self.end()?;
        Ok(Inst { value, ty, op })
    }

    fn op(&mut self, p: &Program) -> Read<Op> {
        let word = self.word("an operation")?;
        Ok(match word.as_str() {
            "const" => Op::Const(self.number()?),
            "input" => Op::Input(self.integer()?),
            "param" => Op::Param(self.param(p)?),
            "direction" => Op::Direction(self.param(p)?),
            "state" => Op::State(StateId(self.integer()?)),
            "table" => Op::Table(self.integer()?),
            "row" => Op::Row(self.param(p)?),
            "not" => Op::Not(self.value()?),
            "sum" => Op::Sum(self.value()?),
            "and" | "or" => {
                let (a, b) = self.pair()?;
                if word == "and" { Op::And(a, b) } else { Op::Or(a, b) }
            }
            "select" | "fma" => {
                let (a, b) = self.pair()?;
                self.expect(",")?;
                let c = self.value()?;
                if word == "fma" { Op::Fma(a, b, c) } else { Op::Select(a, b, c) }
            }
            "spike" => {
                let strict = self.accept("strict");
                let of = self.value()?;
                self.expect(",")?;
                let kind = self.word("a surrogate")?;
                let kind = SurrogateKind::NAMED.iter().find(|(n, _)| *n == kind).map(|(_, k)| *k);
                let kind = kind.ok_or("expected a surrogate")?;
                Op::Spike { of, strict, surrogate: Surrogate { kind, scale: self.number()? } }
            }
            "spike_along" => {
                let strict = self.accept("strict");
                let (of, slope) = self.pair()?;
                Op::SpikeAlong { of, strict, slope }
            }
            "splat" => {
                let a = self.value()?;
                self.expect(",")?;
                Op::Splat(a, self.integer()?)
            }
            "concat" => {
                let mut vs = vec![self.value()?];
                while self.accept(",") {
                    vs.push(self.value()?);
                }
                Op::Concat(vs)
            }
            "slice" => {
                let of = self.value()?;
                self.expect(",")?;
                self.expect("start")?;
                let start = self.integer()?;
                self.expect(",")?;
                self.expect("len")?;
                Op::Slice { of, start, len: self.integer()? }
            }
            "dense" => {
                let x = self.value()?;
                self.expect(",")?;
                let direction = self.accept("direction");
                Op::Dense { x, weight: self.param(p)?, direction }
            }
            "neg" => Op::Unary(Unary::Neg, self.value()?),
            _ => {
                if let Some(f) = Unary::by_name(&word) {
                    Op::Unary(f, self.value()?)
                } else if let Some(f) = Binary::ALL.iter().find(|f| f.name() == word) {
                    let (a, b) = self.pair()?;
                    Op::Binary(*f, a, b)
                } else if let Some(f) = COMPARISONS.iter().find(|f| f.name() == word) {
                    let (a, b) = self.pair()?;
                    Op::Compare(*f, a, b)
                } else {
                    return Err(format!("there is no operation `{word}`"));
                }
            }
        })
    }

    fn pair(&mut self) -> Read<(Value, Value)> {
        let a = self.value()?;
        self.expect(",")?;
        Ok((a, self.value()?))
    }

    fn param(&mut self, p: &Program) -> Read<ParamId> {
        let name = self.name()?;
        p.param_by_name(&name).ok_or_else(|| format!("there is no parameter {name:?}"))
    }
}

const COMPARISONS: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];
