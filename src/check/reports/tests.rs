//! Reports: what is measured, expected, shown and saved.

use super::*;
use crate::check::tests::run;

fn program(rest: &str) -> String {
    format!(
        "domain {{ x in 0 .. 1  t in 0 .. 1 }}\nnetwork u(x, t) {{ layer h = tuned(x, t, 8) |> lif  layer m = h |> mean |> dense(4) output = m |> dense(1) }}\n\
         residual fit on domain : u = x\n{rest}\n"
    )
}

fn report(rest: &str) -> Report {
    let text = program(rest);
    let (model, said) = run(&text, &Default::default());
    model.unwrap_or_else(|| panic!("{text}\n{said:#?}")).report
}

fn codes(body: &str) -> Vec<String> {
    let text = program(&format!("exact u = x\nreport {{ {body} }}"));
    run(&text, &Default::default()).1.iter().map(|m| m[..7].to_string()).collect()
}

#[test]
fn everything_is_read() {
    let r = report(
        "exact u = x
         report { expect  l2   <= 0.1 metric l2 = relative_l2(u) metric worst = max_error(u) on grid(t = 3, x = 5)
                  plot heatmap(u), heatmap(exact(u)), heatmap(error(u)), loss, raster(h) save \"run.npz\" }",
    );
    assert_eq!(r.metrics[0].grid, [101, 101]);
    assert_eq!((r.metrics[1].kind, r.metrics[1].grid.as_slice()), (MetricKind::MaxError, &[5, 3][..]));
    assert_eq!(
        r.expects,
        [Expect { metric: "l2".into(), comparison: Comparison::LessEqual, bound: 0.1, text: "l2 <= 0.1".into() }]
    );
    let turned = report("exact u = x report { metric l2 = rmse(u) expect 0.1 > l2 }");
    assert_eq!((turned.expects[0].comparison, turned.expects[0].bound), (Comparison::Less, 0.1));
    assert_eq!(turned.expects[0].text, "0.1 > l2");
    assert_eq!(r.plots.len(), 5);
    assert_eq!(r.save.as_deref(), Some("run.npz"));
}

#[test]
fn what_makes_no_sense_is_said() {
    assert_eq!(codes("metric m = relative_l3(u)"), ["SNN0906"]);
    assert_eq!(codes("metric m = rmse(v)"), ["SNN0201"]);
    assert_eq!(codes("expect l2 < 1"), ["SNN0908"]);
    assert_eq!(codes("metric l2 = rmse(u) expect 1 < 2"), ["SNN0909"]);
    assert_eq!(codes("metric a = rmse(u) metric b = rmse(u) expect a < b"), ["SNN0909"]);
    assert_eq!(codes("metric a = rmse(u) expect a < 1 and a > 0"), ["SNN0909"]);
    assert_eq!(codes("plot curve(u)"), ["SNN0910"]);
    assert_eq!(codes("plot raster(m)"), ["SNN0913"]);
    for name in ["../x.npz", "a/b.npz", "x.csv", ".npz", "", "/x.npz"] {
        assert_eq!(codes(&format!("save \"{name}\"")), ["SNN0911"], "{name}");
    }
    let without = program("report { metric m = rmse(u) }");
    assert_eq!(run(&without, &Default::default()).1[0][..7], *"SNN0907");
}
