// The C interface: models, from wherever their bytes are, and their input.
// SPDX-License-Identifier: Apache-2.0
#include "engine/api/boundary.hpp"
#include "engine/compile/choose_kernels.hpp"
#include "engine/compile/compile.hpp"
#include "engine/compile/compiled_file.hpp"
#include "engine/image/preprocess.hpp"
#include "engine/load/weights.hpp"

using namespace pf::api;

namespace {

using pf::Error;
using pf::ErrorCode;

pf_status take_model_options(const pf_model_options* options, pf_model_options& taken) {
    const pf_status status = take(options, taken);
    return status == PF_OK ? check_allocator(taken.allocator) : status;
}

void log_model(const pf_model_options& options, const pf::Model& model, const char* how) {
    if (options.log == nullptr) return;
    const std::string line = model.description.name + ": " + how + " for " + model.kernels->name +
                             ", " + std::to_string(model.num_parameters) + " parameters, " +
                             mebibytes(model.weights.size_bytes()) + " of packed weights";
    options.log(options.log_user, PF_LOG_INFO, line.c_str());
}

pf_status give_model(pf::Result<pf::Model> compiled, const pf_model_options& options,
                     const char* how, pf_model** model) {
    if (!compiled) return fail(compiled.error());
    auto shared = std::make_shared<const pf::Model>(std::move(*compiled));
    log_model(options, *shared, how);
    *model = new pf_model{std::move(shared)};
    return PF_OK;
}

// Compiles what load() returns; `name` stands in front of what compile() complains about.
template <class Load>
pf_status compile_model(const Load& load, const std::string& name, const pf_model_options& options,
                        pf_model** model) {
    const auto kernels = pf::choose_kernels(options.isa == nullptr ? "" : options.isa);
    if (!kernels) return fail(kernels.error());
    const pf::Result<pf::LoadedModel> loaded = load();
    if (!loaded) return fail(loaded.error());
    auto compiled = pf::compile(*loaded, **kernels, allocator_of(options.allocator));
    if (!compiled) {
        return fail(Error{compiled.error().code, name + ": " + compiled.error().message});
    }
    return give_model(std::move(compiled), options, "compiled", model);
}

pf::Result<pf::CompiledOptions> compiled_options(const pf_model_options& options) {
    const std::string_view isa = options.isa == nullptr ? "" : options.isa;
    if (const auto kernels = pf::choose_kernels(isa); !kernels) return kernels.error();
    return pf::CompiledOptions{
        .isa = pf::requested_isa(isa),
        .memory = options.copy_weights ? pf::WeightMemory::copied : pf::WeightMemory::mapped,
        .allocator = allocator_of(options.allocator)};
}

std::span<const std::byte> bytes_of(const void* data, std::size_t bytes) {
    return {static_cast<const std::byte*>(data), bytes};
}

}  // namespace

pf_status pf_model_load(const char* path, const pf_model_options* options, pf_model** model) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        *model = nullptr;
        if (path == nullptr) return null_argument("path");
        pf_model_options taken;
        if (pf_status status = take_model_options(options, taken); status != PF_OK) return status;
        if (pf::is_file(path)) {
            const auto wanted = compiled_options(taken);
            if (!wanted) return fail(wanted.error());
            return give_model(pf::load_compiled_file(path, *wanted), taken, "compiled file", model);
        }
        return compile_model([&] { return pf::load_model_folder(path); }, path, taken, model);
    });
}

pf_status pf_model_load_memory(const void* json, size_t json_bytes, const void* safetensors,
                               size_t safetensors_bytes, const pf_model_options* options,
                               pf_model** model) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        *model = nullptr;
        if (json == nullptr) return null_argument("json");
        if (safetensors == nullptr) return null_argument("safetensors");
        pf_model_options taken;
        if (pf_status status = take_model_options(options, taken); status != PF_OK) return status;
        const auto load = [&] {
            return pf::load_model_bytes({static_cast<const char*>(json), json_bytes},
                                        bytes_of(safetensors, safetensors_bytes));
        };
        return compile_model(load, "model in memory", taken, model);
    });
}

pf_status pf_model_load_compiled_memory(const void* data, size_t bytes,
                                        const pf_model_options* options, pf_model** model) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        *model = nullptr;
        if (data == nullptr) return null_argument("data");
        pf_model_options taken;
        if (pf_status status = take_model_options(options, taken); status != PF_OK) return status;
        const auto wanted = compiled_options(taken);
        if (!wanted) return fail(wanted.error());
        return give_model(pf::load_compiled_bytes(bytes_of(data, bytes), "compiled model", *wanted),
                          taken, "compiled bytes", model);
    });
}

pf_status pf_model_save_compiled(const pf_model* model, const char* file) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (file == nullptr) return null_argument("file");
        const pf::Status status = pf::save_compiled_file(*model->model, file);
        return status ? PF_OK : fail(status.error());
    });
}

void pf_model_destroy(pf_model* model) {
    const Shield shield;
    delete model;
}

pf_status pf_model_get_info(const pf_model* model, pf_model_info* info) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (info == nullptr) return null_argument("info");
        const pf::Model& m = *model->model;
        pf_model_info full{};
        full.name = m.description.name.c_str();
        full.isa = m.kernels->name;
        full.num_classes = m.description.head.classes;
        full.num_labels = m.description.labels.size();
        full.num_parameters = m.num_parameters;
        full.input_height = m.description.input.height;
        full.input_width = m.description.input.width;
        full.weight_bytes = m.weights.size_bytes();
        full.num_features = m.description.stages.back().channels;
        full.num_stages = m.description.stages.size();
        return give(full, info);
    });
}

const char* pf_model_label(const pf_model* model, size_t class_index) {
    if (model == nullptr) return nullptr;
    const auto& labels = model->model->description.labels;
    return class_index < labels.size() ? labels[class_index].c_str() : nullptr;
}

pf_status pf_preprocess(const pf_model* model, const uint8_t* rgb, size_t height, size_t width,
                        size_t row_stride, float* output) {
    return guard([&] {
        if (model == nullptr) return null_argument("model");
        if (rgb == nullptr) return null_argument("rgb");
        if (output == nullptr) return null_argument("output");
        const pf::Input& input = model->model->description.input;
        const std::span planes(output, pf::kImageChannels * input.height * input.width);
        const pf::ImageView image{rgb, height, width, row_stride};
        if (pf::Status status = pf::check_image(image); !status) return fail(status.error());
        const std::size_t rgb_bytes = (height - 1) * row_stride + pf::kImageChannels * width;
        if (overlap(rgb, rgb_bytes, planes.data(), planes.size_bytes())) {
            return fail(Error{ErrorCode::invalid_argument,
                              "output overlaps rgb: give each memory of its own"});
        }
        const pf::Status status = pf::preprocess(image, input, planes);
        return status ? PF_OK : fail(status.error());
    });
}
