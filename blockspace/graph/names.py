"""Names of nodes: dotted paths that are also module names, state_dict keys and attributes in printed source."""

from __future__ import annotations

import keyword

from blockspace.errors import error

# Attributes of torch.nn.Module and GraphModule that a submodule must not hide. A test compares this list with torch's own.
TAKEN = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children code compile cpu cuda delete_all_unused_submodules
    delete_submodule double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule graph half
    input ipu load_state_dict meta modules mtia named_buffers named_children named_modules named_parameters parameters print_readable
    recompile register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty to_folder train training type xpu zero_grad add_submodule output""".split()
)


def attribute(name: str) -> str:
    """`name` as an attribute of a module: a digit in front, a keyword or a name torch uses gets an underscore."""
    if name[:1].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name


_GOOD: set[str] = set()  # parts seen to be identifiers: networks repeat the same few


def checked(path: str) -> str:
    """`path`, when each dotted part is an identifier; else E-NAME."""
    for part in path.split("."):
        if part not in _GOOD:
            if not part.isidentifier():
                raise error("E-NAME", f"{path!r}: {part!r} is not a name", help="letters, digits and _, not starting with a digit")
            _GOOD.add(part)
    return path
