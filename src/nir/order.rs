//! The order in which nodes are worked out within a step, and which edges bring the value of the step before.
//!
//! ```text
//! input -> a -> lif,  lif -> w -> lif      order: input a w lif      delayed: lif -> w
//! ```
//!
//! NIR is in continuous time and leaves this open. Here, as in the simulators that read NIR, a loop takes one step: a search
//! from the inputs finds the edge that closes it, and the delay stands behind the last node with a state before that edge.

/// `edges` by the nodes' numbers; `holds`: the node has a state of its own. The order, and for each edge whether it is
/// delayed. The same graph gives the same answer.
pub fn order(edges: &[(usize, usize)], starts: &[usize], holds: &[bool]) -> (Vec<usize>, Vec<bool>) {
    let n = holds.len();
    let out = |a: usize| edges.iter().enumerate().filter(move |(_, e)| e.0 == a).map(|(k, _)| k);
    let mut delayed = vec![false; edges.len()];
    let (mut seen, mut open) = (vec![false; n], vec![false; n]);
    for start in starts.iter().copied().chain(0..n) {
        if seen[start] {
            continue;
        }
        // A node and the edges out of it that are left to follow.
        let mut path: Vec<(usize, Vec<usize>)> = vec![(start, out(start).collect())];
        (seen[start], open[start]) = (true, true);
        while let Some((at, left)) = path.last_mut() {
            let at = *at;
            if left.is_empty() {
                open[at] = false;
                path.pop();
                continue;
            }
            let k = left.remove(0);
            let to = edges[k].1;
            if open[to] {
                delayed[k] = true;
            } else if !seen[to] {
                (seen[to], open[to]) = (true, true);
                path.push((to, out(to).collect()));
            }
        }
    }
    for k in 0..edges.len() {
        let mut k = k;
        while delayed[k] {
            let a = edges[k].0;
            let into: Vec<usize> = (0..edges.len()).filter(|j| edges[*j].1 == a).collect();
            let [only] = into[..] else { break };
            if holds[a] || delayed[only] || out(a).count() != 1 || edges[only].0 == a {
                break;
            }
            (delayed[k], delayed[only]) = (false, true);
            k = only;
        }
    }
    // Nodes as soon as all that they need is there; the first in the file first.
    let mut sorted = vec![];
    let mut placed = vec![false; n];
    while sorted.len() < n {
        let free =
            |v: &usize| !placed[*v] && edges.iter().zip(&delayed).all(|(e, late)| e.1 != *v || *late || placed[e.0]);
        // Every loop has a delayed edge, so there is always one.
        let Some(next) = (0..n).find(free) else { break };
        placed[next] = true;
        sorted.push(next);
    }
    (sorted, delayed)
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn a_loop_takes_a_step_behind_its_neuron() {
        // 0 input, 1 affine, 2 lif, 3 linear, 4 output
        let edges = [(0, 1), (1, 2), (2, 3), (3, 2), (2, 4)];
        let (sorted, delayed) = order(&edges, &[0], &[false, false, true, false, false]);
        assert_eq!(delayed, [false, false, true, false, false]);
        assert_eq!(sorted, [0, 1, 3, 2, 4]);
    }

    #[test]
    fn a_chain_is_not_delayed_and_two_loops_are() {
        let (sorted, delayed) = order(&[(2, 1), (1, 0)], &[2], &[false, true, false]);
        assert_eq!((sorted, delayed), (vec![2, 1, 0], vec![false, false]));
        // Two neurons that feed each other and themselves.
        let (sorted, delayed) = order(&[(0, 1), (1, 1), (1, 0), (0, 0)], &[0], &[true, true]);
        assert_eq!((sorted, delayed), (vec![0, 1], vec![false, true, true, true]));
    }
}
