autocmd BufRead,BufNewFile *.snn setfiletype snn
