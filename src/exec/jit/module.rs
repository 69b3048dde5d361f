//! Owns compiled code: makes the Cranelift module, imports the micro-kernels, hands out entry points, frees the memory.
//!
//! ```text
//! [Plan, Plan, …] -> Code (one module, finalised once) + [Entry, Entry, …]
//! ```

use std::sync::Mutex;
use std::time::Instant;

use cranelift::codegen::settings::{self, Configurable};
use cranelift::prelude::{AbiParam, FunctionBuilder, FunctionBuilderContext, Signature, types};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};

use super::JitError;
use super::emit::{ARGUMENTS, Callees, Loops, PREPARING, emit, prepare};
use super::lanes::Emit;
use super::plan::Plan;
use super::wide::{self, Which};
use crate::exec::kernel::Cost;
use crate::exec::micro::{self, Level, Symbol};

/// A compiled tile: scratch, points, inputs, params, directions, prepared, tables, outputs, traces.
///
/// # Safety
/// The buffers have the lengths that the plan was made for, for 1 to `TILE` points; the module is alive.
pub(super) type Entry<R> =
    unsafe extern "C" fn(*mut R, usize, *const R, *const R, *const R, *const R, *const R, *mut R, *mut R);

/// What is done once for all tiles: prepared, params, directions.
///
/// # Safety
/// The buffers have the lengths that the plan was made for; the module is alive.
pub(super) type Prepare<R> = unsafe extern "C" fn(*mut R, *const R, *const R);

/// A compiled program, and what it came to.
pub(super) struct Made<R> {
    pub entry: Entry<R>,
    pub prepare: Option<Prepare<R>>,
    pub cost: Cost,
}

/// The memory of compiled functions. Dropping the module alone would leak it. The lock is never taken but to drop: it makes
/// the module, which is only `Send`, shareable.
pub(super) struct Code {
    module: Mutex<Option<JITModule>>,
}

impl Code {
    /// Compiles all of them and finalises once, since each finalising closes a page of memory.
    pub fn new<R: Emit>(plans: &[Plan], level: Level) -> Result<(Code, Vec<Made<R>>), JitError> {
        let mut maker = Maker::new::<R>(level)?;
        let mut ids = vec![];
        for (k, plan) in plans.iter().enumerate() {
            match maker.define::<R>(plan, k) {
                Ok(defined) => ids.push(defined),
                Err(e) => {
                    maker.into_code();
                    return Err(e);
                }
            }
        }
        let finalised = maker.module.finalize_definitions().map_err(error);
        let ids = if finalised.is_ok() { ids } else { vec![] };
        let address = |id| maker.module.get_finalized_function(id);
        let made = |defined: Defined| Made {
            // SAFETY: the address of a function just compiled with this signature and calling convention.
            entry: unsafe { std::mem::transmute::<*const u8, Entry<R>>(address(defined.entry)) },
            prepare: defined
                .prepare
                // SAFETY: the same.
                .map(|id| unsafe { std::mem::transmute::<*const u8, Prepare<R>>(address(id)) }),
            cost: defined.cost,
        };
        let all = ids.into_iter().map(made).collect();
        let code = maker.into_code();
        finalised?;
        Ok((code, all))
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        let module = self.module.get_mut().map_or_else(|e| e.into_inner().take(), Option::take);
        if let Some(module) = module {
            // SAFETY: every kernel holds an `Arc` of this, so none is left to enter the code, and none is running.
            unsafe { module.free_memory() }
        }
    }
}

/// The function of a plan as text.
pub(super) fn text<R: Emit>(plan: &Plan) -> Result<String, JitError> {
    let mut maker = Maker::new::<R>(plan.level)?;
    maker.build::<R>(plan, &[], false);
    let text = maker.context.func.display().to_string();
    maker.into_code();
    Ok(text)
}

fn error(e: impl std::fmt::Display) -> JitError {
    JitError(e.to_string())
}

/// What Cranelift calls where a processor has no instruction for it.
fn calls() -> [(&'static str, *const u8); 6] {
    extern "C" fn fmaf(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    extern "C" fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    extern "C" fn floorf(a: f32) -> f32 {
        a.floor()
    }
    extern "C" fn floor(a: f64) -> f64 {
        a.floor()
    }
    extern "C" fn ceilf(a: f32) -> f32 {
        a.ceil()
    }
    extern "C" fn ceil(a: f64) -> f64 {
        a.ceil()
    }
    [
        ("fmaf", fmaf as *const u8),
        ("fma", fma as *const u8),
        ("floorf", floorf as *const u8),
        ("floor", floor as *const u8),
        ("ceilf", ceilf as *const u8),
        ("ceil", ceil as *const u8),
    ]
}

struct Defined {
    entry: FuncId,
    prepare: Option<FuncId>,
    cost: Cost,
}

struct Maker {
    module: JITModule,
    context: cranelift::codegen::Context,
    builder: FunctionBuilderContext,
    imports: Vec<(Symbol, FuncId)>,
}

impl Maker {
    fn new<R: Emit>(level: Level) -> Result<Maker, JitError> {
        let mut flags = settings::builder();
        // Without optimisation the emitted order is kept, which is measurably faster; ours are the IR's own passes.
        for (name, value) in [
            ("opt_level", "none"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ] {
            flags.set(name, value).map_err(error)?;
        }
        let isa = cranelift_native::builder_with_options(level != Level::Portable).map_err(error)?;
        let isa = isa.finish(settings::Flags::new(flags)).map_err(error)?;
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        for (name, address) in calls() {
            builder.symbol(name, address);
        }
        let symbols = micro::symbols::<R>(level);
        for s in &symbols {
            builder.symbol(s.name, s.address);
        }
        let mut module = JITModule::new(builder);
        let mut imports = vec![];
        for s in symbols {
            let signature = signature(&module, s.arguments);
            let id = module.declare_function(s.name, Linkage::Import, &signature).map_err(error)?;
            imports.push((s, id));
        }
        let context = module.make_context();
        Ok(Maker { module, context, builder: FunctionBuilderContext::new(), imports })
    }

    fn into_code(self) -> Code {
        Code { module: Mutex::new(Some(self.module)) }
    }

    /// Leaves the plan's function in the context, or that which prepares; `own` are the loops that have functions already.
    fn build<R: Emit>(&mut self, plan: &Plan, own: &[(Which, FuncId)], prepares: bool) {
        self.context.func.signature = signature(&self.module, if prepares { PREPARING } else { ARGUMENTS });
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let mut callees = Callees::new();
        for (s, id) in &self.imports {
            callees.insert(s.name, self.module.declare_func_in_func(*id, b.func));
        }
        let loops: Loops =
            own.iter().map(|&(which, id)| (which, self.module.declare_func_in_func(id, b.func))).collect();
        let arguments = b.block_params(entry).to_vec();
        let functions = (&callees, &loops);
        match prepares {
            true => prepare::<R>(plan, &mut b, functions, &arguments),
            false => emit::<R>(plan, &mut b, functions, &arguments),
        }
        b.finalize(self.module.isa().frontend_config());
    }

    fn define<R: Emit>(&mut self, plan: &Plan, number: usize) -> Result<Defined, JitError> {
        let begun = Instant::now();
        let mut own = vec![];
        let mut code_bytes = 0;
        for (k, (which, code)) in wide::all::<R>(plan).into_iter().enumerate() {
            let signature = signature(&self.module, wide::ARGUMENTS);
            let name = format!("kernel{number}loop{k}");
            let id = self.module.declare_function(&name, Linkage::Local, &signature).map_err(error)?;
            self.module.define_function_bytes(id, 64, &code, &[]).map_err(error)?;
            code_bytes += code.len();
            own.push((which, id));
        }
        let mut function = |prepares, name: String| {
            self.build::<R>(plan, &own, prepares);
            let id =
                self.module.declare_function(&name, Linkage::Local, &self.context.func.signature).map_err(error)?;
            let defined = self.module.define_function(id, &mut self.context);
            code_bytes += self.context.compiled_code().map_or(0, |code| code.code_buffer().len());
            self.module.clear_context(&mut self.context);
            // The error's debug form names the instruction that could not be compiled.
            defined.map_err(|e| JitError(format!("{}: {e:?}", plan.program.name)))?;
            Ok(id)
        };
        let entry = function(false, format!("kernel{number}"))?;
        let prepare = (plan.prepared > 0).then(|| function(true, format!("kernel{number}prepare"))).transpose()?;
        let cost = Cost { code_bytes, seconds: begun.elapsed().as_secs_f64() };
        Ok(Defined { entry, prepare, cost })
    }
}

/// So many arguments of pointer size, no result.
fn signature(module: &JITModule, arguments: usize) -> Signature {
    let mut s = module.make_signature();
    s.params.extend((0..arguments).map(|_| AbiParam::new(types::I64)));
    s
}
