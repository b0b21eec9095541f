// vico-decode: decodes one uploaded picture for vico-server, with no right but to compute.
#include "server/decoder/helper.h"

int main(int argc, char** argv) { vico::RunDecodeHelper(argc, argv, vico::DecodePicture); }
