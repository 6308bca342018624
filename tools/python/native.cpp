// The extension poolformer._native: handles, arrays and errors of the C interface, for Python.
// SPDX-License-Identifier: Apache-2.0
//
// As thin as can be. Arguments are checked in Python, by poolformer/*.py, in words that fit there;
// sizes once more by the C interface. Every call that may take long is made without the GIL.
#include <cxxabi.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolformer/poolformer.h"

namespace py = pybind11;
using namespace py::literals;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

template <auto destroy>
struct Destroy {
    void operator()(auto* handle) const noexcept { destroy(handle); }
};

struct Model {
    std::unique_ptr<pf_model, Destroy<pf_model_destroy>> handle;
};

struct Team {
    std::unique_ptr<pf_team, Destroy<pf_team_destroy>> handle;
};

struct Session {
    std::unique_ptr<pf_session, Destroy<pf_session_destroy>> handle;
};

template <class Struct>
Struct sized() {
    Struct all_zero{};
    all_zero.struct_size = sizeof(Struct);
    return all_zero;
}

// A thread that asks for the GIL while Python is being finalised is ended by unwinding it, which
// would abort the process at the first function of ours that lets nothing out. It waits for the
// process's end instead, as Python's own threads do from 3.14 on.
template <class TakeGil>
void take_or_park(const TakeGil& take_gil) noexcept {
    try {
        take_gil();
    } catch (const abi::__forced_unwind&) {
        for (;;) ::pause();
    }
}

class WithoutGil {
  public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() {
        take_or_park([&] { PyEval_RestoreThread(state_); });
    }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

  private:
    PyThreadState* state_;
};

// Calls the C interface without the GIL; a status other than PF_OK becomes an exception.
template <class Call>
void demand(const Call& call) {
    pf_status status = PF_OK;
    {
        const WithoutGil unlocked;
        status = call();
    }
    if (status == PF_OK) return;
    const py::bytes message(pf_last_error());  // may quote a path that is not UTF-8
    const py::object error = py::module_::import("poolformer.errors")
                                 .attr("error_of")(static_cast<int>(status), message);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    throw py::error_already_set();
}

// Has `create` fill a new Model, Team or Session.
template <class Object, class Create>
Object make(const Create& create) {
    decltype(Object{}.handle.get()) handle = nullptr;
    demand([&] { return create(&handle); });
    Object object;
    object.handle.reset(handle);
    return object;
}

// A pf_log_function: calls the Python function `user`. What that raises can only be reported,
// through sys.unraisablehook.
void log_line(void* user, pf_log_level level, const char* message) {
    std::optional<py::gil_scoped_acquire> locked;
    take_or_park([&] { locked.emplace(); });
    try {
        (*static_cast<const py::function*>(user))(static_cast<int>(level), py::bytes(message));
    } catch (py::error_already_set& error) {
        error.discard_as_unraisable("the log function of poolformer");
    }
}

// `log` is alive while the options are in use.
template <class Options>
void set_log(std::optional<py::function>& log, Options& options) {
    if (!log) return;
    options.log = &log_line;
    options.log_user = &*log;
}

pf_model_options model_options(const std::optional<std::string>& isa, bool copy_weights,
                               std::optional<py::function>& log) {
    auto options = sized<pf_model_options>();
    options.isa = isa ? isa->c_str() : nullptr;
    options.copy_weights = copy_weights ? 1 : 0;
    set_log(log, options);
    return options;
}

Model load(const std::string& path, const std::optional<std::string>& isa, bool copy_weights,
           std::optional<py::function> log) {
    const pf_model_options options = model_options(isa, copy_weights, log);
    return make<Model>(
        [&](pf_model** model) { return pf_model_load(path.c_str(), &options, model); });
}

Model load_memory(const py::bytes& json, const py::bytes& safetensors,
                  const std::optional<std::string>& isa, std::optional<py::function> log) {
    const pf_model_options options = model_options(isa, false, log);
    const std::string_view text = json;
    const std::string_view weights = safetensors;
    return make<Model>([&](pf_model** model) {
        return pf_model_load_memory(text.data(), text.size(), weights.data(), weights.size(),
                                    &options, model);
    });
}

py::dict model_info(const Model& model) {
    auto info = sized<pf_model_info>();
    demand([&] { return pf_model_get_info(model.handle.get(), &info); });
    py::tuple labels(info.num_labels);
    for (std::size_t i = 0; i < info.num_labels; ++i) {
        labels[i] = pf_model_label(model.handle.get(), i);
    }
    return py::dict("name"_a = info.name, "isa"_a = info.isa, "num_classes"_a = info.num_classes,
                    "labels"_a = labels,
                    "input_size"_a = py::make_tuple(info.input_height, info.input_width),
                    "num_parameters"_a = info.num_parameters, "weight_bytes"_a = info.weight_bytes,
                    "num_features"_a = info.num_features, "num_stages"_a = info.num_stages);
}

void save_compiled(const Model& model, const std::string& file) {
    demand([&] { return pf_model_save_compiled(model.handle.get(), file.c_str()); });
}

void preprocess(const Model& model, const py::array& rgb, std::size_t row_stride, Floats output) {
    const auto* pixels = static_cast<const std::uint8_t*>(rgb.data());
    const auto height = static_cast<std::size_t>(rgb.shape(0));
    const auto width = static_cast<std::size_t>(rgb.shape(1));
    float* planes = output.mutable_data();
    demand([&] {
        return pf_preprocess(model.handle.get(), pixels, height, width, row_stride, planes);
    });
}

Team create_team(std::size_t num_threads, std::uint32_t spin_us, const std::vector<int>& cpus) {
    auto options = sized<pf_team_options>();
    options.num_threads = num_threads;
    options.spin_us = spin_us;
    options.cpus = cpus.data();
    options.num_cpus = cpus.size();
    return make<Team>([&](pf_team** team) { return pf_team_create(&options, team); });
}

Session create_session(const Model& model, std::size_t height, std::size_t width,
                       std::size_t num_threads, std::uint32_t spin_us, const Team* team,
                       std::size_t batch, int input_format, const std::vector<int>& cpus,
                       std::uint64_t timeout_us, std::optional<py::function> log) {
    auto options = sized<pf_session_options>();
    options.input_height = height;
    options.input_width = width;
    options.num_threads = num_threads;
    options.spin_us = spin_us;
    options.team = team == nullptr ? nullptr : team->handle.get();
    options.batch = batch;
    options.input_format = static_cast<pf_input_format>(input_format);
    options.cpus = cpus.data();
    options.num_cpus = cpus.size();
    options.timeout_us = timeout_us;
    set_log(log, options);
    return make<Session>([&](pf_session** session) {
        return pf_session_create(model.handle.get(), &options, session);
    });
}

py::dict session_info(const Session& session) {
    auto info = sized<pf_session_info>();
    demand([&] { return pf_session_get_info(session.handle.get(), &info); });
    return py::dict("input_size"_a = py::make_tuple(info.input_height, info.input_width),
                    "num_threads"_a = info.num_threads, "arena_bytes"_a = info.arena_bytes,
                    "macs"_a = info.macs);
}

py::tuple stage_shape(const Session& session, std::size_t stage) {
    auto info = sized<pf_tap_info>();
    demand([&] { return pf_session_stage_info(session.handle.get(), stage, &info); });
    return py::make_tuple(info.channels, info.height, info.width);
}

struct Output {
    float* data = nullptr;
    std::size_t size = 0;

    explicit Output(std::optional<Floats>& array)
        : data(array ? array->mutable_data() : nullptr),
          size(array ? static_cast<std::size_t>(array->size()) : 0) {}
};

void run(const Session& session, const py::array& input, std::size_t batch, Floats logits,
         std::optional<Floats> probabilities, std::optional<Floats> features,
         std::vector<Floats> stage_maps, std::uint64_t timeout_us) {
    const Output classes(probabilities);
    const Output vectors(features);
    std::vector<float*> maps;
    std::vector<std::size_t> map_floats;
    for (Floats& map : stage_maps) {
        maps.push_back(map.mutable_data());
        map_floats.push_back(static_cast<std::size_t>(map.size()));
    }

    auto wanted = sized<pf_run>();
    wanted.batch = batch;
    wanted.input = input.data();
    // Not input.nbytes(): pybind11 before 2.12 looks for it where numpy 2 no longer keeps it.
    wanted.input_bytes = input.attr("nbytes").cast<std::size_t>();
    wanted.logits = logits.mutable_data();
    wanted.num_logits = static_cast<std::size_t>(logits.size());
    wanted.probabilities = classes.data;
    wanted.num_probabilities = classes.size;
    wanted.features = vectors.data;
    wanted.num_features = vectors.size;
    wanted.stage_maps = maps.empty() ? nullptr : maps.data();
    wanted.num_stages = maps.size();
    wanted.stage_map_floats = map_floats.data();
    wanted.timeout_us = timeout_us;
    demand([&] { return pf_session_run_with(session.handle.get(), &wanted); });
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    module.doc() = "The C interface of poolformer.cpp; use the package poolformer.";
    module.def("version", &pf_version);
    module.def("cpu_budget", &pf_cpu_budget);
    module.def("load", &load, "path"_a, "isa"_a, "copy_weights"_a, "log"_a);
    module.def("load_memory", &load_memory, "json"_a, "safetensors"_a, "isa"_a, "log"_a);

    // An argument with noconvert() is refused rather than copied.
    py::class_<Model>(module, "Model")
        .def("info", &model_info)
        .def("save_compiled", &save_compiled, "file"_a)
        .def("preprocess", &preprocess, "rgb"_a.noconvert(), "row_stride"_a,
             "output"_a.noconvert());
    py::class_<Team>(module, "Team")
        .def(py::init(&create_team), "num_threads"_a, "spin_us"_a, "cpus"_a);
    py::class_<Session>(module, "Session")
        .def(py::init(&create_session), "model"_a, "height"_a, "width"_a, "num_threads"_a,
             "spin_us"_a, "team"_a, "batch"_a, "input_format"_a, "cpus"_a, "timeout_us"_a, "log"_a)
        .def("info", &session_info)
        .def("stage_shape", &stage_shape, "stage"_a)
        .def("run", &run, "input"_a.noconvert(), "batch"_a, "logits"_a.noconvert(),
             "probabilities"_a.noconvert(), "features"_a.noconvert(), "stage_maps"_a.noconvert(),
             "timeout_us"_a)
        .def("cancel", [](const Session& session) { pf_session_cancel(session.handle.get()); });
}
