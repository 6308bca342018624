// PNG through libpng: every kind of up to 8 bits becomes RGB; transparency is dropped, as PIL does.
// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "engine/image/preprocess.hpp"
#include "tools/cli/decode.hpp"
#include "tools/cli/orientation.hpp"

namespace pf::cli {
namespace {

// A reader whose errors come back as `false`; the same rules as for the JPEG decompressor: libpng
// is called inside attempt() only, by functions that hold nothing that needs a destructor.
class Reader {
  public:
    explicit Reader(Bytes bytes) : rest_(bytes) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &on_error, &on_warning);
        if (png_ != nullptr) info_ = png_create_info_struct(png_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

    template <class Function>
    bool attempt(Function function) {
        if (info_ == nullptr || setjmp(jump_) != 0) return false;
        function(png_, info_);
        return true;
    }

    const char* message() const { return message_; }
    Bytes exif();

    static void read_bytes(png_structp png, png_bytep out, std::size_t count) {
        auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
        if (count > reader.rest_.size()) png_error(png, "the file ends too early");
        std::memcpy(out, reader.rest_.data(), count);
        reader.rest_ = reader.rest_.subspan(count);
    }

  private:
    [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
        auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
        std::snprintf(reader.message_, sizeof reader.message_, "%s", message);
        std::longjmp(reader.jump_, 1);
    }
    // libpng leaves out metadata that it cannot read. Most of it does not matter here, but what
    // says how the image is rotated does.
    static void on_warning(png_structp png, png_const_charp message) {
        if (std::string_view(message).starts_with("eXIf: ")) png_error(png, message);
    }

    Bytes rest_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::jmp_buf jump_{};
    char message_[128] = "no memory";
};

Bytes Reader::exif() {
    png_uint_32 size = 0;
    png_bytep data = nullptr;
    return png_get_eXIf_1(png_, info_, &size, &data) != 0 ? Bytes(data, size) : Bytes();
}

struct Header {
    std::size_t height = 0;
    std::size_t width = 0;
    int bit_depth = 0;
};

Error damaged(const std::string& file, const Reader& reader) {
    return {ErrorCode::invalid_argument,
            file + ": damaged PNG (" + reader.message() + "); fetch or export the image again"};
}

void read_header(png_structp png, png_infop info, Reader& reader, Header& header) {
    png_set_read_fn(png, &reader, &Reader::read_bytes);
    png_set_user_limits(png, kMaxImageSide, kMaxImageSide);
    // As PIL does; libpng would leave out what says how an image is rotated.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png, info);
    header = {png_get_image_height(png, info), png_get_image_width(png, info),
              png_get_bit_depth(png, info)};
}

// Asks libpng for RGB rows, whatever the file holds.
void request_rgb(png_structp png, png_infop info) {
    const int kind = png_get_color_type(png, info);
    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (kind == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
    if ((kind & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

void read_pixels(png_structp png, png_infop info, std::size_t row_bytes, png_bytepp rows) {
    request_rgb(png, info);
    if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "rows of an unexpected size");
    png_read_image(png, rows);
    png_read_end(png, info);
}

}  // namespace

Result<Image> decode_png(Bytes bytes, const std::string& file) {
    Reader reader(bytes);
    Header header;
    if (!reader.attempt([&](auto png, auto info) { read_header(png, info, reader, header); })) {
        return damaged(file, reader);
    }
    if (Status status = check_size(header.height, header.width, file); !status) {
        return status.error();
    }
    if (header.bit_depth > 8) {
        return Error{ErrorCode::unsupported,
                     file +
                         ": found a PNG of 16 bits per colour, expected at most 8; convert it to "
                         "8 bits first"};
    }

    Image image{header.height, header.width, {}};
    const std::size_t row_bytes = image.width * 3;
    image.rgb.resize(image.height * row_bytes);
    std::vector<png_bytep> rows(image.height);
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.rgb.data() + y * row_bytes;
    if (!reader.attempt(
            [&](auto png, auto info) { read_pixels(png, info, row_bytes, rows.data()); })) {
        return damaged(file, reader);
    }

    if (reader.exif().empty()) return image;
    const auto orientation = read_orientation(reader.exif(), file);
    if (!orientation) return orientation.error();
    return apply_orientation(std::move(image), *orientation);
}

}  // namespace pf::cli
