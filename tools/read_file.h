// How the tool reads files: whole, and without waiting for bytes that never come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

/// The bytes of a file, or of a pipe that somebody writes into, which are at most 2^28. Errors: not
/// found; a folder, a device or a socket; a pipe that nobody writes into; not enough memory. They
/// name the path.
Expected<std::vector<uint8_t>> read_file(const std::string& path);

/// The lines of a text file that are not blank, without their ends ('\n' or "\r\n") and without the
/// mark that some editors put in front of UTF-8. Errors as above.
Expected<std::vector<std::string>> read_lines(const std::string& path);

/// Removes the byte order mark with which some editors begin a text from its first line.
void remove_byte_order_mark(std::string& line);

/// Whether the line has nothing but white space in it.
bool is_blank(const std::string& line);

}  // namespace octet::tool
