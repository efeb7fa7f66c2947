// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/stored_configuration.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/xen/control.hpp"
#include "host/xen/errors.hpp"

namespace memctl::host::xen {
namespace {

/// The name under which libxl keeps the configuration.
constexpr auto configuration_userid = "libxl-json";

template <class T>
std::span<const T> items(const T* first, int count) {
  return {first, first == nullptr || count < 0 ? 0U : static_cast<std::size_t>(count)};
}

bool given(const char* text) { return text != nullptr && *text != '\0'; }
bool given(char** list) { return list != nullptr && *list != nullptr; }
/// A default that libxl has not filled in yet counts as "no", because libxl's own default is "no"
/// for all values that are read here.
bool is_on(const libxl_defbool& value) {
  return !libxl_defbool_is_default(value) && libxl_defbool_val(value);
}

/// For libxl, QEMU emulates every disk of an hvm guest, and the guest also has it as a paravirtual
/// disk. The exceptions are non-SCSI disks past the fourth (IDE) or sixth (AHCI): "hdg" or "xvdg"
/// and later, in the names that people give. A disk with any other form of name counts as emulated.
bool is_emulated(const libxl_device_disk& disk) {
  const std::string_view name = disk.vdev == nullptr ? "" : disk.vdev;
  for (const std::string_view prefix : {"xvd", "hd"}) {
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    const auto letters = name.substr(prefix.size());
    const bool two_letters = letters.size() > 1 && letters[1] >= 'a' && letters[1] <= 'z';
    return !two_letters && letters[0] <= 'f';
  }
  return true;
}

bool is_emulated(const libxl_device_nic& nic) { return nic.nictype != LIBXL_NIC_TYPE_VIF; }

bool is_emulated(const libxl_device_usbctrl& controller) {
  return controller.type != LIBXL_USBCTRL_TYPE_PV && controller.type != LIBXL_USBCTRL_TYPE_QUSB;
}

template <class T>
bool any_emulated(const T* first, int count) {
  return std::ranges::any_of(items(first, count),
                             [](const T& device) { return is_emulated(device); });
}

}  // namespace

Result<std::optional<StoredConfiguration>> StoredConfiguration::read(libxl_ctx* context,
                                                                     DomainId domain,
                                                                     LogCapture& log) {
  std::uint8_t* data = nullptr;
  int size = 0;
  const int code =
      libxl_userdata_retrieve(context, number(domain), configuration_userid, &data, &size);
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner{data, &std::free};
  if (code != 0) {
    auto lines = log.take();
    if (libxl_domain_info(context, nullptr, number(domain)) == ERROR_DOMAIN_NOTFOUND) {
      return no_such_domain(domain);
    }
    return libxl_failed("read the stored configuration of domain " + std::to_string(number(domain)),
                        code, std::move(lines));
  }
  // If there is no such file, libxl returns success and no data.
  if (size <= 0) return std::nullopt;
  const std::string_view text{reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
  auto parsed = parse(context, std::string{text.substr(0, text.find('\0'))});
  (void)log.take();
  return parsed;
}

std::optional<StoredConfiguration> StoredConfiguration::parse(libxl_ctx* context,
                                                              const std::string& json) {
  libxl_domain_config value;
  libxl_domain_config_init(&value);
  const int code = libxl_domain_config_from_json(context, &value, json.c_str());
  StoredConfiguration configuration{std::move(value)};
  if (code != 0) return std::nullopt;
  return configuration;
}

std::optional<Kib> StoredConfiguration::boot_limit() const {
  if (value_.b_info.max_memkb == LIBXL_MEMKB_DEFAULT) return std::nullopt;
  return saturated_kib(value_.b_info.max_memkb);
}

std::optional<Kib> StoredConfiguration::boot_size() const {
  if (value_.b_info.target_memkb == LIBXL_MEMKB_DEFAULT) return boot_limit();
  return saturated_kib(value_.b_info.target_memkb);
}

bool StoredConfiguration::has_pool() const { return value_.c_info.type != LIBXL_DOMAIN_TYPE_PV; }

std::optional<Kib> StoredConfiguration::frozen_pool() const {
  if (!has_pool() || value_.b_info.shadow_memkb == LIBXL_MEMKB_DEFAULT) return std::nullopt;
  return saturated_kib(value_.b_info.shadow_memkb);
}

void StoredConfiguration::set_frozen_pool(std::optional<Kib> pool) {
  value_.b_info.shadow_memkb =
      pool ? static_cast<std::uint64_t>(pool->count()) : LIBXL_MEMKB_DEFAULT;
}

std::string StoredConfiguration::to_json(libxl_ctx* context) {
  const std::unique_ptr<char, decltype(&std::free)> text{
      libxl_domain_config_to_json(context, &value_), &std::free};
  return text ? std::string{text.get()} : std::string{};
}

bool StoredConfiguration::in_shim() const {
  return value_.c_info.type == LIBXL_DOMAIN_TYPE_PVH && is_on(value_.b_info.u.pvh.pvshim);
}

// In QEMU's machine for Xen, these devices do DMA: IDE, AHCI and SCSI disks and CD drives, network
// cards, USB controllers, sound cards, QXL's display, and the virtio-serial port that Spice's agent
// needs. These do not: the display adapters std and cirrus, serial ports, PS/2, and Xen's platform
// device. Arguments that libxl hands to QEMU unchanged can be any device.
std::optional<bool> StoredConfiguration::emulated_dma_devices() const {
  if (value_.c_info.type != LIBXL_DOMAIN_TYPE_HVM) return false;
  const auto& hvm = value_.b_info.u.hvm;
  const bool usb = is_on(hvm.usb) || hvm.usbversion > 0 || given(hvm.usbdevice) ||
                   given(hvm.usbdevice_list) || any_emulated(value_.usbctrls, value_.num_usbctrls);
  const bool display = hvm.vga.kind == LIBXL_VGA_INTERFACE_TYPE_QXL || is_on(hvm.spice.vdagent) ||
                       hvm.spice.usbredirection > 0 || is_on(hvm.gfx_passthru);
  if (any_emulated(value_.disks, value_.num_disks) || any_emulated(value_.nics, value_.num_nics) ||
      usb || display || given(hvm.soundhw)) {
    return true;
  }
  if (given(value_.b_info.extra) || given(value_.b_info.extra_hvm)) return std::nullopt;
  return false;
}

// What libxl__set_domain_configuration and libxl__userdata_store do (libxl_internal.c and
// libxl_dom.c, Xen 4.17): the text with its final NUL goes into a new file, which replaces the old
// one.
Result<std::optional<Kib>> store_frozen_pool(libxl_ctx* context, const Userdata& files,
                                             std::optional<Kib> from, std::optional<Kib> to,
                                             LogCapture& log) {
  const std::string doing = "change the stored paging pool of " + files.name();
  BOOST_OUTCOME_TRY(const auto text, files.read(configuration_userid));
  if (!text) return libxl_failed(doing, ERROR_JSON_CONFIG_EMPTY, log.take());
  auto configuration = StoredConfiguration::parse(context, text->substr(0, text->find('\0')));
  if (!configuration) return libxl_failed(doing, ERROR_FAIL, log.take());
  if (!configuration->has_pool()) {
    return Error{.cause = Cause::xen_unsupported,
                 .message = files.name() + " is a pv domain, which has no paging pool"};
  }
  if (configuration->frozen_pool() != from || from == to) return configuration->frozen_pool();
  configuration->set_frozen_pool(to);
  const std::string changed = configuration->to_json(context);
  if (changed.empty()) return libxl_failed(doing, ERROR_FAIL, log.take());
  BOOST_OUTCOME_TRYV(files.replace(configuration_userid, {changed.c_str(), changed.size() + 1}));
  return to;
}

}  // namespace memctl::host::xen
