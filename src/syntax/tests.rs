//! What the parser makes of whole programs, of operators, and of mistakes.

use super::ast::*;
use super::parse::parse;
use crate::diag::Sink;
use crate::diag::render::{Format, Style, render};
use crate::source::{FileId, Sources};

/// The tree and the messages in the plain form.
fn read(text: &str) -> (Option<File>, String) {
    let mut sources = Sources::default();
    let id = sources.add("p.snn", text);
    let mut sink = Sink::default();
    let file = parse(text, id, &mut sink);
    let style = Style { format: Format::Plain, color: false, width: 100 };
    (file, sink.into_sorted().iter().map(|d| render(d, &sources, &style)).collect())
}

fn tree(text: &str) -> File {
    let (file, messages) = read(text);
    assert_eq!(messages, "", "{text}");
    file.expect("a tree")
}

/// An expression with all its parentheses.
fn shape(e: &Expr) -> String {
    let list = |args: &[Arg]| {
        let one = |a: &Arg| a.name.as_ref().map_or(String::new(), |n| format!("{}=", n.text)) + &shape(&a.value);
        args.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    match &*e.kind {
        ExprKind::Number { value, unit } => format!("{value}{}", unit.as_ref().map_or("", |u| &u.text)),
        ExprKind::Str(s) => format!("{s:?}"),
        ExprKind::Name(n) => n.clone(),
        ExprKind::Unary(op, a) => format!("{op:?}({})", shape(a)),
        ExprKind::Binary(op, a, b) => format!("{op:?}({}, {})", shape(a), shape(b)),
        ExprKind::If { condition, then, otherwise } => {
            format!("If({}, {}, {})", shape(condition), shape(then), shape(otherwise))
        }
        ExprKind::Call { callee, args } => format!("{}({})", callee.text, list(args)),
        ExprKind::Index { base, indices, args } => format!(
            "{}[{}]{}",
            base.text,
            indices.iter().map(shape).collect::<Vec<_>>().join(", "),
            args.as_ref().map_or(String::new(), |a| format!("({})", list(a)))
        ),
        ExprKind::Pipe(a, b) => format!("Pipe({}, {})", shape(a), shape(b)),
        ExprKind::Range(a, b) => format!("{} .. {}", shape(a), shape(b)),
        ExprKind::Schedule { from, to, shape: s } => {
            format!("{} -> {} {}", shape(from), shape(to), s.as_ref().map_or("", |n| &n.text))
        }
        ExprKind::In(n, e) => format!("{} in {}", n.text, shape(e)),
        ExprKind::Tuple(parts) => format!("<{}>", parts.iter().map(shape).collect::<Vec<_>>().join(", ")),
    }
}

fn constant(text: &str) -> String {
    match &tree(&format!("const c = {text}")).items[0] {
        Item::Const(c) => shape(&c.value),
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators_bind_as_on_paper() {
    for (text, expected) in [
        ("1 + 2*3^2", "Add(1, Mul(2, Pow(3, 2)))"),
        ("-x^2", "Neg(Pow(x, 2))"),
        ("2^-1", "Pow(2, Neg(1))"),
        ("2^3^4", "Pow(2, Pow(3, 4))"),
        ("-2*3", "Mul(Neg(2), 3)"),
        ("a - b - c", "Sub(Sub(a, b), c)"),
        ("not a < b and c", "And(Not(Lt(a, b)), c)"),
        ("a or b and c", "Or(a, And(b, c))"),
        ("h |> f(2) |> g + 1", "Pipe(Pipe(h, f(2)), Add(g, 1))"),
        ("x*(1 - x) * (h |> mean)", "Mul(Mul(x, Sub(1, x)), Pipe(h, mean))"),
        ("if a < 1 then 2 else 3 + 4", "If(Lt(a, 1), 2, Add(3, 4))"),
        ("f(tau = 0.01 -> 0.001 cosine, 1..5)", "f(tau=0.01 -> 0.001 cosine, 1 .. 5)"),
        ("sum(i in 1 .. 5, i^2)", "sum(i in 1 .. 5, Pow(i, 2))"),
        ("G[a](x) + exc[0 .. 2]", "Add(G[a](x), exc[0 .. 2])"),
        ("(x, t) |> dense(8)", "Pipe(<x, t>, dense(8))"),
        ("20ms + 1.5pA/ms + -65mV", "Add(Add(20ms, 1.5pA/ms), Neg(65mV))"),
        ("h |> if |> if(theta = 2)", "Pipe(Pipe(h, if), if(theta=2))"),
        (".5 + 2. + 1e-3", "Add(Add(0.5, 2), 0.001)"),
    ] {
        assert_eq!(constant(text), expected, "{text}");
    }
}

#[test]
fn a_comparison_in_parentheses_may_be_compared() {
    assert_eq!(constant("(a < b) == (c < d)"), "Eq(Lt(a, b), Lt(c, d))");
}

#[test]
fn no_keyword_is_a_name_and_contextual_words_are() {
    for word in super::parse::scan::KEYWORDS {
        let (_, messages) = read(&format!("fn {word}(x) = x"));
        assert!(messages.contains("SNN0102"), "{word}: {messages}");
    }
    let contextual = "weight points sample resample causal by_ steps dt seed rounds stop clip batch pool mutate scope \
         directions antithetic periodic sensors from trainable per interior grid stalled every readout method \
         duration population connect record of with mean last sum ema normal auto precision";
    for word in contextual.split_whitespace() {
        assert_eq!(constant(&format!("{word} + {word}(1)")), format!("Add({word}, {word}(1))"));
        tree(&format!("const {word} = 1"));
    }
}

#[test]
fn keywords_are_whole_words() {
    assert_eq!(constant("in_x + nu + format + ifx"), "Add(Add(Add(in_x, nu), format), ifx)");
}

#[test]
fn spans_are_exact() {
    let text = "const c = 1 + foo(2)   # a comment\nconst d = 3";
    let file = tree(text);
    let Item::Const(c) = &file.items[0] else { panic!() };
    let at = |s: crate::source::Span| &text[s.start as usize..s.end as usize];
    assert_eq!(at(c.span), "const c = 1 + foo(2)");
    assert_eq!(at(c.value.span), "1 + foo(2)");
    let ExprKind::Binary(_, _, call) = &*c.value.kind else { panic!() };
    assert_eq!(at(call.span), "foo(2)");
    assert_eq!(c.span.file, FileId(0));
}

#[test]
fn whole_programs_are_read() {
    let programs: &[(&str, &str, usize)] = &[
        ("wave", include_str!("../../examples/wave.snn"), 10),
        ("logistic", include_str!("../../examples/logistic.snn"), 8),
        ("everything", include_str!("../../tests/syntax/everything.snn"), 19),
    ];
    for (name, text, items) in programs {
        assert_eq!(tree(text).items.len(), *items, "{name}");
    }
}

#[test]
fn a_mistake_does_not_hide_the_next() {
    let (file, messages) = read("const a = = 2\nconst b = 3\nnetwork u(x {\n}\nconst d == 4\n");
    let names: Vec<_> = file
        .expect("the rest")
        .items
        .iter()
        .map(|i| match i {
            Item::Const(c) => c.name.text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["b"]);
    for (line, code) in [("p.snn:1:", "SNN0101"), ("p.snn:3:", "SNN01"), ("p.snn:5:", "SNN0105")] {
        assert!(messages.lines().any(|l| l.starts_with(line) && l.contains(code)), "no {code} at {line}\n{messages}");
    }
}

#[test]
fn messages_speak_the_language() {
    for (text, expected) in [
        ("domain { x in 0 ..  }", "expected an expression, found `}`"),
        ("network u(x) { layer h dense(1) }", "expected `=`, found `dense`"),
        ("train { phase a { perturb gaussian(sigma = ) } }", "expected an expression, found `)`"),
        ("report { metrc l2 = 1 }", "did you mean `metric`?"),
        ("network u(x) {\n laayer h = x\n output = h }", "did you mean `layer`?"),
        ("neuron n { input i\n layer h = 3 }", "`layer` belongs inside a `network` block"),
        ("phase grow { steps 3 }", "`phase` belongs inside a `train` block"),
        ("c = 2", "a constant is written `const c = …`"),
        ("domain { x in 0, 1 }", "expected `..`, found `,`"),
        ("domain { x in 0 .. 1, t in 0 .. 1 }", "without `,`"),
        ("const c = x y", "expected an operator or the next item, found `y`"),
        ("network u(x) { output = x }\n}", "no `{` is open here"),
        ("residual a on interior : d(u, x)\nconst c = 1", "p.snn:1:32: error SNN0101: expected `=`"),
        ("residual a on interior : u = 0 weigth 10", "did you mean `weight`?"),
        ("report { metric m = rmse(u) on gird(x = 3) }", "did you mean `grid`?"),
        ("train { phase a { perturb gaussian direction 16 } }", "did you mean `directions`?"),
        ("fn f(x) = if x > 1 then 2", "always needs its `else`"),
        ("fn f(x) = if x = 1 then 2 else 3", "to compare, write `==`"),
        ("neuron n { state v = 0 flow v = 1 }", "`flow v' = …`"),
        ("neuron n { state v = 0 update v = 1 }", "`update v := …`"),
        ("neuron n { state v = 0 spike v > 1 }", "follows `when`"),
        ("network u(x) {\n layer h = f(64 |> lif\n output = h\n}", "p.snn:2:13: error SNN0104"),
        ("import neurons", "double quotes"),
        ("const c = 2 * state + 1", "`state` is a keyword"),
        ("const a = 2;", "statements need no sign"),
        ("const a = 2 === 3", "write `==`"),
        ("const a = 2 <> 3", "write `!=`"),
        ("const a = b ? 1", "if a < b then a else b"),
        ("def f(x)", "write `fn NAME(x) = …`"),
        ("let c = 2", "write `const NAME = …`"),
        ("function f(x) = x^2", "`fn f(x) = …`"),
        ("domain { x in [0, 1] }", "a range is written `0 .. 1`"),
        ("domain { x in 0 to 1 }", "a range is written `0 .. 1`"),
        ("const a = 2)", "no bracket is open here"),
        ("residual a on interior : d(u, x) == u", "SNN0105"),
        ("residual a on interior : u = 0 weight = 3", "without `=`"),
        ("residual a on x = 0 : u = 0, x = 1 : u = 1", "another `residual`"),
        ("residual a at x = 0 : u = 0", "write `residual NAME on x = 0 : u = 0`"),
        ("report { plot curve(u) curve(u) }", "write `,` between them"),
        ("report { save 'a.npz' }", "double quotes"),
        ("const a = 1,5", "`1.5`"),
        ("fn f(x) { x^2 }", "write `fn f(x) = x^2`"),
        ("fn f(x) = { x^2 }", "write `fn f(x) = x^2`"),
        ("network u(x) {\n h = tuned(x, 8)\n output = h\n}", "write `layer NAME = …`"),
        ("neuron n {\n input i\n v' = i\n}", "write `flow NAME' = …`"),
        ("neuron n { input i state v = 0 flow dv/dt = -v }", "`flow v' = …`"),
        ("domain { x: 0 .. 1 }", "write `x in 0 .. 1`"),
        ("allow SNN0209", "write `allow(SNN0209)`"),
        ("const a = sin(2 3)", "SNN0126"),
        ("const \u{3c4} = 2", "write `tau`"),
        ("const c = if 1 < x < 2 then 1 else 0", "SNN0114"),
        ("domain", "expected `{`, found the end of the item"),
        ("residual a on interior u = 1", "SNN0108"),
        ("residual a on data(\"d.csv\") : u = value", "write `on \"d.csv\"`"),
        ("residual a on file \"d.csv\" : u = value", "write `on \"d.csv\"`"),
        ("residul a on interior : u = 1", "did you mean `residual`?"),
        ("const a = 20 ms", "write `20ms`"),
        ("const a = 2x", "write `2*x`"),
        ("const state = 1", "SNN0102"),
        ("const a = (1 + 2", "SNN0104"),
        ("import \"a", "SNN0106"),
        ("const a = 2 $ 3", "SNN0107"),
    ] {
        let (_, messages) = read(text);
        assert!(messages.contains(expected), "{text}\n{messages}");
        for rule in ["kw_", "t_", "op_", "Rule", "EOI"] {
            assert!(!messages.contains(rule), "a rule's name in\n{messages}");
        }
    }
}

#[test]
fn nothing_overflows() {
    for text in [
        format!("const c = {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("const c = {}1", "-".repeat(100_000)),
        format!("const c = 1{}", "^2".repeat(100_000)),
        format!("const c = 1{}", " + 2".repeat(100_000)),
        format!("const c = {}1", "if a then b else ".repeat(10_000)),
        format!("const c = {}", "f(".repeat(10_000)),
        format!("const c = {}", "[".repeat(10_000)),
        // Short at every level, tall in all.
        (0..60).fold("1".to_string(), |e, _| format!("({e}{})", " + 1".repeat(400))).replacen('(', "const c = (", 1),
        "{".repeat(100_000),
        "\u{1F600}".repeat(1000),
    ] {
        let (_, messages) = read(&text);
        assert!(messages.contains("SNN01"), "{:.40}\n{messages:.200}", text);
    }
}

/// No message, whatever is wrong, says what a rule of the grammar is called, or that it expected something it cannot name.
#[test]
fn no_message_names_a_rule() {
    let grammar = include_str!("../../grammar/snn.pest");
    let rules: Vec<&str> = grammar
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .filter(|n| n.contains('_') || ["ident", "expr", "operand", "callee", "coord", "infix", "EOI"].contains(n))
        .collect();
    assert!(rules.len() > 100, "{rules:?}");
    let program = include_str!("../../tests/syntax/everything.snn");
    let tokens = super::parse::scan::tokens(program);
    let mut tried = 0;
    for (i, t) in tokens.iter().enumerate().filter(|(_, t)| !t.text.is_empty()) {
        // Left out, doubled, and replaced by words and signs that may stand in other places.
        for put in ["", &format!("{0} {0}", t.text), "=", "qux", "2", "}", "(", ",", "then"] {
            // The item around it is enough.
            let start = tokens[..=i]
                .iter()
                .rev()
                .find(|t| t.begins_line && t.is_keyword() && super::parse::scan::ITEMS.contains(&t.text));
            let start = start.map_or(0, |t| t.start);
            let next = tokens[i + 1..].iter().find(|t| t.begins_line && super::parse::scan::ITEMS.contains(&t.text));
            let end = next.map_or(program.len(), |t| t.start);
            let text = format!("{}{put}{}", &program[start..t.start], &program[t.end()..end]);
            let (_, messages) = read(&text);
            tried += 1;
            for line in messages.lines().filter(|l| l.contains("expected")) {
                // Behind `found` stands the user's own word.
                let said = line.split(", found").next().unwrap_or_default();
                let named = rules
                    .iter()
                    .find(|r| said.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|w| w == **r));
                assert!(named.is_none(), "the rule {named:?} in\n{text}\n{messages}");
                assert!(!said.contains("expected something else"), "{text}\n{messages}");
            }
        }
    }
    assert!(tried > 3000, "{tried}");
}
