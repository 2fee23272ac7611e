// SPDX-License-Identifier: BSD-3-Clause
// The kernels of this build, and which of them the machine can run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executor.h"

namespace engine {

// Names of the kernels that run here, from slow to fast.
std::vector<std::string> kernels();

// A network on a kernel; an error where it does not run here.
std::unique_ptr<Executor> make(const Description& description,
                               const std::string& kernel);

}  // namespace engine
