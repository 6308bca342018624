// JPEG through libjpeg-turbo, with the settings PIL uses: exact integer DCT, fancy upsampling.
// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "tools/cli/decode.hpp"
#include "tools/cli/orientation.hpp"

// jpeglib.h needs <cstdio> before it and jerror.h needs jpeglib.h before it.
#include <jpeglib.h>

#include <jerror.h>

namespace pf::cli {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr char kExifPrefix[] = {'E', 'x', 'i', 'f', 0, 0};
constexpr int kMaxScans = 500;  // a progressive photo has about ten; thousands are an attack

// A decompressor whose errors come back as `false`. libjpeg reports them by a long jump out of its
// calls, so attempt() is the only place that makes such calls, and its function must not hold
// anything that needs a destructor.
class Decompressor {
  public:
    Decompressor() {
        info_.err = jpeg_std_error(&errors_);
        info_.client_data = this;
        errors_.error_exit = [](j_common_ptr info) { self(info).jump_out(); };
        errors_.emit_message = &on_message;
        monitor_.progress_monitor = &on_progress;
    }
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    ~Decompressor() { jpeg_destroy_decompress(&info_); }

    template <class Function>
    bool attempt(Function function) {
        if (setjmp(jump_) != 0) return false;
        function(info_);
        return true;
    }

    const jpeg_decompress_struct& info() const { return info_; }
    const char* message() const { return message_; }
    void watch_scans() { info_.progress = &monitor_; }

  private:
    static Decompressor& self(j_common_ptr info) {
        return *static_cast<Decompressor*>(info->client_data);
    }

    [[noreturn]] void jump_out() {
        errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), message_);
        std::longjmp(jump_, 1);
    }

    // Level -1 is a warning about damaged data, which libjpeg would paper over with gray.
    static void on_message(j_common_ptr info, int level) {
        if (level >= 0) return;
        switch (info->err->msg_code) {
            case JWRN_JPEG_EOF:
            case JWRN_HIT_MARKER:
            case JWRN_HUFF_BAD_CODE:
            case JWRN_ARITH_BAD_CODE:
            case JWRN_MUST_RESYNC:
            case JWRN_BOGUS_PROGRESSION:
                self(info).jump_out();
            default:
                break;
        }
    }

    static void on_progress(j_common_ptr info) {
        Decompressor& decompressor = self(info);
        if (decompressor.info_.input_scan_number <= kMaxScans) return;
        std::snprintf(decompressor.message_, sizeof message_, "more than %d scans", kMaxScans);
        std::longjmp(decompressor.jump_, 1);
    }

    jpeg_decompress_struct info_{};
    jpeg_error_mgr errors_{};
    jpeg_progress_mgr monitor_{};
    std::jmp_buf jump_{};
    char message_[JMSG_LENGTH_MAX] = "";
};

Error damaged(const std::string& file, const Decompressor& decompressor) {
    return {ErrorCode::invalid_argument, file + ": damaged JPEG (" + decompressor.message() +
                                             "); fetch or export the image again"};
}

Status check_colours(const jpeg_decompress_struct& info, const std::string& file) {
    if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) {
        return Error{ErrorCode::unsupported,
                     file + ": found a CMYK JPEG, expected RGB or gray; convert it to RGB first"};
    }
    if (info.num_components != 1 && info.num_components != 3) {
        return Error{ErrorCode::unsupported, file + ": found " +
                                                 std::to_string(info.num_components) +
                                                 " colour components, expected 1 or 3; convert the "
                                                 "image to RGB first"};
    }
    return {};
}

Result<int> find_orientation(const jpeg_decompress_struct& info, const std::string& file) {
    for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
        const Bytes data(marker->data, marker->data_length);
        if (marker->marker == kExifMarker && data.size() >= sizeof kExifPrefix &&
            std::memcmp(data.data(), kExifPrefix, sizeof kExifPrefix) == 0) {
            return read_orientation(data.subspan(sizeof kExifPrefix), file);
        }
    }
    return 1;
}

void read_header(jpeg_decompress_struct& info, Bytes bytes) {
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes.data(), bytes.size());
    jpeg_save_markers(&info, kExifMarker, 0xFFFF);
    jpeg_read_header(&info, TRUE);
}

void read_pixels(jpeg_decompress_struct& info, std::uint8_t* rgb) {
    info.out_color_space = JCS_RGB;
    info.dct_method = JDCT_ISLOW;
    info.do_fancy_upsampling = TRUE;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = rgb + std::size_t{info.output_scanline} * info.output_width * 3;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
}

}  // namespace

Result<Image> decode_jpeg(Bytes bytes, const std::string& file) {
    Decompressor jpeg;
    if (!jpeg.attempt([&](auto& info) { read_header(info, bytes); })) return damaged(file, jpeg);

    Image image{jpeg.info().image_height, jpeg.info().image_width, {}};
    if (Status status = check_size(image.height, image.width, file); !status) return status.error();
    if (Status status = check_colours(jpeg.info(), file); !status) return status.error();
    const auto orientation = find_orientation(jpeg.info(), file);
    if (!orientation) return orientation.error();

    image.rgb.resize(image.height * image.width * 3);
    jpeg.watch_scans();
    if (!jpeg.attempt([&](auto& info) { read_pixels(info, image.rgb.data()); })) {
        return damaged(file, jpeg);
    }
    return apply_orientation(std::move(image), *orientation);
}

}  // namespace pf::cli
