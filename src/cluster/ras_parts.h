// What is said of single RAS ports and single replies, whatever the communicators tell.
#pragma once

#include <string>
#include <vector>

#include "cluster/ras_findings.h"

namespace rankdx {

Finding ras_finding(std::string id, Role role, Severity severity, Confidence confidence);

/// Ports that take connections and never answered any.
void silent_ports(const std::vector<RasReply>& replies, Role role, std::vector<Finding>& out);
void jobs_sharing_a_port(const std::vector<RasReply>& replies, std::vector<Finding>& out);

/// One line about one question: what answered, or why nothing did.
CheckResult check_of_reply(const RasReply& reply);

}  // namespace rankdx
