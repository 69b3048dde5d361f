" Vim syntax of snn programs. The words are those of the language; a test of snnc compares them.
if exists("b:current_syntax")
  finish
endif

syn iskeyword @,48-57,_
syn sync minlines=50

syn keyword snnItem const unknown fn import domain function neuron network residual exact train report simulate allow
syn keyword snnControl if then else and or not in on by when where
syn keyword snnStatement curve param input state flow update spike surrogate reset refractory integrate substeps emit
syn keyword snnStatement layer output phase perturb estimate solve metric expect plot save
syn keyword snnConstant pi e

" Words that may also be names: where something stands behind them that goes on with them.
syn match snnStatement "\v^\s*\zs<(steps|dt|seed|precision|rounds|batch|clip|average|stop|duration|method|population|connect|record)>\ze\s+[[:alnum:]_.(-]"
syn match snnOption "\v[[:space:])]\zs<(weight|points|sample|resample|causal|directions|scope|antithetic|pool|mutate|every|stalled|trainable|per|periodic|sensors|from|with|of|all|probability|indegree|one_to_one|autapses|to|auto)>\ze(\s+[[:alnum:]_\".(-]|\s*$|\s+[}#])"

" Functions and layers, where they are called.
syn match snnFunction "\v<(d|lap|grad|div|sum|integral|abs|sqrt|floor|ceil|sign|exp|log|log2|sin|cos|tan|asin|acos|atan|sinh|cosh|sech|tanh|erf|step|heaviside|sigmoid|relu|softplus|gelu|min|max|atan2)>\ze\s*\("
syn match snnLayer "\v<(current|tuned|population|triangular|latency|rate|fourier|raw|dense|affine|recurrent|conv1d|identity|ema|membrane|mean|last|sum|first_spike|legendre|concat|dot|prev|delay)>\ze\s*\("
syn match snnLayer "\v\|\>\s*\zs<(current|tuned|population|triangular|latency|rate|fourier|raw|dense|affine|recurrent|conv1d|identity|ema|membrane|mean|last|sum|first_spike|legendre|concat|dot|prev|delay)>"
syn match snnNeuron "\v<(integrator|if|lif|hard_lif|alif|cuba_lif|qif|eif|adex|izhikevich|resonate_and_fire|vsn|fitzhugh_nagumo|morris_lecar|hodgkin_huxley)>\ze\s*\("
syn match snnNeuron "\v\|\>\s*\zs<(integrator|if|lif|hard_lif|alif|cuba_lif|qif|eif|adex|izhikevich|resonate_and_fire|vsn|fitzhugh_nagumo|morris_lecar|hodgkin_huxley)>"

syn match snnOperator "\v\|\>|-\>|\.\.|:\=|[-+*/^<>=~']"
" A number, and its unit.
syn match snnNumber "\v<\d+(\.\.@!\d*)?([eE][+-]?\d+)?([A-Za-zµμΩ]+(\^-?\d+)?)?"
syn match snnNumber "\v[0-9.]@<!\.\d+([eE][+-]?\d+)?([A-Za-zµμΩ]+(\^-?\d+)?)?"
syn match snnCode "\v<SNN\d{4}>"
syn region snnString start=+"+ end=+"+ oneline
syn match snnComment "#.*$" contains=@Spell

hi def link snnItem Keyword
hi def link snnControl Conditional
hi def link snnStatement Statement
hi def link snnOption Type
hi def link snnConstant Constant
hi def link snnFunction Function
hi def link snnLayer Function
hi def link snnNeuron Identifier
hi def link snnNumber Number
hi def link snnCode Constant
hi def link snnString String
hi def link snnOperator Operator
hi def link snnComment Comment

let b:current_syntax = "snn"
