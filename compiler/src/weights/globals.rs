//! The Python objects that a pickle can name: the allow-list.
//!
//! In: module and name as the pickle has them. Out: what it stands for, or nothing, and the pickle is
//! refused. None is ever called. [`Global::Inert`] ones occur beside a state dict (a training script's
//! options, an epoch as a numpy number); whatever a pickle builds of them becomes an empty placeholder.

use super::tensor::Dtype;

/// What a permitted name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Global {
    /// `(storage, offset, size, stride, ...)` to a tensor.
    RebuildTensor,
    /// `(tensor, ...)` to that tensor.
    RebuildParameter,
    /// `()` or `([(key, value), ...],)` to a dict.
    OrderedDict,
    /// The type of a storage's elements.
    Storage(Dtype),
    /// `((size, ...),)` to that tuple.
    Size,
    /// Anything to a placeholder.
    Inert,
}

/// Looks a name up; `None` is refused.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    let global = match (module, name) {
        // `_rebuild_tensor` and `Parameter` are in files from before PyTorch 0.4.
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") | ("torch.nn.parameter", "Parameter") => {
            Global::RebuildParameter
        }
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch", "Size") => Global::Size,
        ("torch" | "torch.storage", name) => return storage(name).map(Global::Storage),
        ("argparse", "Namespace")
        | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar")
        | ("numpy", "dtype")
        | ("_codecs", "encode")
        | ("collections", "defaultdict") => Global::Inert,
        // The last four as the default factory of a `defaultdict`.
        ("builtins" | "__builtin__", "set" | "frozenset" | "dict" | "list" | "int" | "float") => {
            Global::Inert
        }
        _ => return None,
    };
    Some(global)
}

fn storage(name: &str) -> Option<Dtype> {
    Some(match name {
        "FloatStorage" => Dtype::F32,
        "DoubleStorage" => Dtype::F64,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::Bf16,
        "LongStorage" => Dtype::Integer(8),
        "IntStorage" => Dtype::Integer(4),
        "ShortStorage" => Dtype::Integer(2),
        "CharStorage" | "ByteStorage" | "BoolStorage" | "UntypedStorage" => Dtype::Integer(1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_names_are_known() {
        assert_eq!(find("torch", "HalfStorage"), Some(Global::Storage(Dtype::F16)));
        for (module, name) in [
            ("os", "system"),
            ("posix", "system"),
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("torch", "load"),
            ("torch.hub", "load"),
            ("torch._utils", "_rebuild_wrapper_subclass"),
            ("collections", "OrderedDict.__init__"),
            ("torch", "_utils._rebuild_tensor_v2"),
        ] {
            assert_eq!(find(module, name), None, "{module}.{name}");
        }
    }
}
